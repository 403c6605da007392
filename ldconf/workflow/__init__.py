"""The use cases: the only pages that name documents, planning, api and kinds together."""
