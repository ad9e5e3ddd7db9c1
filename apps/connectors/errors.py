"""What goes wrong on the wire, as stable codes. Never a vendor's text: it may hold a person."""

from __future__ import annotations

#: Nobody can tell whether the call had its effect: read before any second call.
OUTCOME_UNKNOWN = "outcome_unknown"


class ConnectorError(Exception):
    """`code` is one of CODES; `retry_after` is in seconds; `request_id` is the vendor's."""

    def __init__(
        self,
        code: str,
        *,
        retry_after: float | None = None,
        status: int | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after = retry_after
        self.status = status
        self.request_id = request_id


#: Every code an adapter may raise.
CODES = frozenset(
    {
        OUTCOME_UNKNOWN,
        "host_refused",  # not on the allow-list, or not https
        "unreachable",  # no connection: nothing was sent
        "timed_out",  # a read: nothing changed there
        "redirected",
        "unauthorized",  # 401, also after a new token
        "forbidden",  # 403: a scope is missing
        "not_found",
        "rejected",  # 400, 409, 422: the vendor refused the request itself
        "rate_limited",
        "vendor_error",  # 5xx
        "malformed",  # an answer that is not what the vendor documents
        "too_large",
        "by_hand",  # this kind of connection cannot do it: a person must
    }
)
