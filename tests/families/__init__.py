"""One record for each family of distributions, in the file that has the name of its file in the package."""

from families import counts, intervals, labels, multivariate, positive, real_line
from families.record import Record, Scalar

RECORDS: list[Record] = [
    record for file in (labels, counts, real_line, positive, intervals, multivariate) for record in file.RECORDS
]
SCALAR = [record for record in RECORDS if isinstance(record, Scalar)]
BY_NAME = {record.family.__name__: record for record in RECORDS}
