"""What the emulator's command line says about webhooks."""

from __future__ import annotations

import argparse

from .settings import DeliverySettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options about webhooks."""
    known = DeliverySettings()
    parser.add_argument(
        "--webhook-cache",
        type=float,
        default=known.wanted_types_cache_seconds,
        metavar="SECONDS",
        help="how long a new endpoint stays unknown (real: 60)",
    )
    parser.add_argument(
        "--retry-scale", type=float, default=known.retry_scale, metavar="FACTOR", help="waits of retries (real: 1)"
    )
    parser.add_argument(
        "--deliver-to", action="append", default=[], metavar="HOST", help="a host besides loopback; repeatable"
    )
    parser.add_argument("--native-url", metavar="URL", help="with --native: where everything is sent")
    parser.add_argument(
        "--native-header",
        action="append",
        default=[],
        type=_header,
        metavar="NAME=VALUE",
        help="with --native: a static header; repeatable",
    )


def settings(args: argparse.Namespace) -> DeliverySettings:
    """The settings that the arguments ask for."""
    return DeliverySettings(
        wanted_types_cache_seconds=args.webhook_cache,
        retry_scale=args.retry_scale,
        allowed_hosts=tuple(args.deliver_to),
        native_url=args.native_url,
        native_headers=dict(args.native_header),
    )


def _header(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text}: expected NAME=VALUE")
    return name, value
