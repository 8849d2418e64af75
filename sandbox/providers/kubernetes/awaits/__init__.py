"""Waiting until objects are what they are for: rolled out, completed, bound, addressed, or gone."""

from sandbox.providers.kubernetes.awaits.loop import check_ready, until_ready
from sandbox.providers.kubernetes.awaits.subject import NotReadyError, Subject, Verdict, Waiter

__all__ = ["NotReadyError", "Subject", "Verdict", "Waiter", "check_ready", "until_ready"]
