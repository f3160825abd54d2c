"""Replicate keeps the contract of every provider."""

from pathlib import Path

from imagen_replicate import Replicate

from imagen.testing import ProviderContract


class TestReplicate(ProviderContract):
    vendor = Replicate
    fixtures = Path(__file__).parent / "fixtures"
    accepted = "create_starting"
    expected = {
        **dict.fromkeys(["create_starting", "get_processing"], "pending"),
        "get_succeeded": "done 1",
        "get_succeeded_list": "done 4",
        "get_canceled": "failed provider_failed",
        "get_failed_filter": "failed content_filtered",
        "error_402": "Declined provider_insufficient_credits",
        "error_429": "Busy provider_rate_limited",
        "list_ok": "Unreadable provider_protocol_error",  # an answer to another question
    }
