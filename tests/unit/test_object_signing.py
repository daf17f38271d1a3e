"""Addresses are signed as Amazon's documentation says."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from wordai_jobs.storage.objects.signing import signed_as_of

# The example of "Authenticating requests: using query parameters" in the reference of S3.
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SIGNATURE = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
ADDRESS = (
    "https://examplebucket.s3.amazonaws.com/test.txt"
    "?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130601%2Fus-east-1%2Fs3%2Faws4_request"
    "&X-Amz-Date=20130601T123456Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
    "&X-Amz-Signature=of-another-moment"
)


def test_an_address_is_signed_as_of_the_given_moment() -> None:
    address = signed_as_of(ADDRESS, SECRET, datetime(2013, 5, 24, tzinfo=UTC))
    query = parse_qs(urlsplit(address).query)
    assert query["X-Amz-Signature"] == [SIGNATURE]
    assert query["X-Amz-Date"] == ["20130524T000000Z"]
    assert address.startswith("https://examplebucket.s3.amazonaws.com/test.txt?")


def test_two_addresses_of_one_object_become_the_same() -> None:
    later = ADDRESS.replace("20130601", "20130602").replace("of-another", "of-a-third")
    moment = datetime(2013, 5, 24, tzinfo=UTC)
    assert signed_as_of(ADDRESS, SECRET, moment) == signed_as_of(later, SECRET, moment)
