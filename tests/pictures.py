"""What several tests of pictures ask of a matplotlib axes or an SVG drawing."""

SVG = "{http://www.w3.org/2000/svg}"


def labels(ax) -> list[str]:
    return ax.get_legend_handles_labels()[1]


def assert_readable(ax) -> None:
    """On white, with letters of 11 points or more, and the names of the axes inside the figure."""
    figure = ax.figure
    figure.draw_without_rendering()
    assert figure.get_facecolor() == (1, 1, 1, 1)
    texts = [*ax.texts, ax.xaxis.label, ax.yaxis.label, *ax.get_xticklabels(), *ax.get_yticklabels()]
    assert all(text.get_fontsize() >= 11 for text in texts if text.get_text())
    for text in [ax.xaxis.label, ax.yaxis.label]:
        box = text.get_window_extent()
        assert figure.bbox.x0 <= box.x0 <= box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 <= box.y1 <= figure.bbox.y1
