"""``python -m pytest_flexprice.emulator --port N``: the emulator on its own, until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import gc
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from .delivery.settings import DeliverySettings
from .faults.all import FAULTS
from .kernel.options import DEFAULT_KEY, EmulatorOptions
from .kernel.server import FlexpriceServer

_OBJECTS_BETWEEN_COLLECTIONS = 50_000


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pytest_flexprice.emulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: the loopback)")
    parser.add_argument("--port", type=int, default=0, help="port (default: a free one)")
    parser.add_argument("--key", default=DEFAULT_KEY, help="the server-config API key")
    parser.add_argument(
        "--lag",
        default=str(EmulatorOptions.lag),
        metavar="SECONDS|manual",
        help="from accepting an event to metering it",
    )
    parser.add_argument("--key-cache", type=float, default=5.0, metavar="SECONDS", help="life of a deleted, used key")
    parser.add_argument("--native", action="store_true", help="webhooks by the native sender, Svix switched off")
    _add_webhooks(parser)
    parser.add_argument("--no-jobs", action="store_true", help="periodic jobs run only when the clock is advanced")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME", help="switch a fault on; repeatable")
    parser.add_argument("--seed", type=Path, metavar="golive.toml", help="fill it with what this plan declares")
    return parser


def _seeded(server: FlexpriceServer, path: Path) -> str:
    """Fill the server from a plan; what to tell the user."""
    from pytest_flexprice.model.plan_file import load  # noqa: PLC0415 -- only a seeded server needs plans

    from .seeding.planned import seed_plan  # noqa: PLC0415 -- see above

    keys = seed_plan(server, load(path))
    return f"Production key: {keys.production_key}\nSandbox key: {keys.sandbox_key}\n"


def _error(path: Path | None) -> tuple[type[Exception], ...]:
    if path is None:
        return ()
    from pytest_flexprice.model.plan_file import PlanError  # noqa: PLC0415 -- only a seeded server needs plans

    from .seeding.seed import SeedError  # noqa: PLC0415 -- see above

    return (PlanError, SeedError)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until a signal comes; returns the exit code."""
    parser = _parser()
    args = parser.parse_args(argv)
    try:
        lag = None if args.lag == "manual" else float(args.lag)
    except ValueError:
        parser.error(f"--lag {args.lag}: give seconds or the word manual")
    for name in args.fault:
        if name not in FAULTS:
            parser.error(f"--fault {name}: there is no such fault; the known ones are {', '.join(sorted(FAULTS))}")
    options = EmulatorOptions(
        host=args.host,
        port=args.port,
        api_key=args.key,
        lag=lag,
        key_cache_seconds=args.key_cache,
        svix=not args.native,
        delivery=_delivery(args),
        jobs=not args.no_jobs,
        faults=tuple(args.fault),
    )
    server = FlexpriceServer(options)
    try:
        more = _seeded(server, args.seed) if args.seed else ""
        server.start()
    except OSError as error:
        sys.stderr.write(f"cannot listen on {args.host}:{args.port}: {error.strerror}\n")
        return 1
    except _error(args.seed) as error:
        sys.stderr.write(f"{args.seed}: {error}\n")
        return 1
    gc.freeze()  # this process does nothing else, and what an event leaves behind is never a cycle
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    sys.stdout.write(f"Flexprice emulator on {server.url}\nx-api-key: {server.api_key}\n{more}")
    sys.stdout.flush()
    ended.wait()
    server.stop()
    return 0


def _add_webhooks(parser: argparse.ArgumentParser) -> None:
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


def _delivery(args: argparse.Namespace) -> DeliverySettings:
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


if __name__ == "__main__":
    sys.exit(main())
