"""Shared machinery below the chapters: importable, but free to change from one version to the next."""
