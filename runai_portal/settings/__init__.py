"""One layer each: base, then development, test or production."""
