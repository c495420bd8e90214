"""A small shop on FastAPI that takes money through WeChat Pay and Alipay with payseal.

Usage: main.py --wechat config.json --alipay config-alipay.json [--listen 127.0.0.1:8080] [--public-url https://shop.example] [--page DIR]

The files are payseal configurations; the sandbox writes both. Orders are kept in the database that DATABASE_URL names, sqlite:PATH,
postgres://… or mysql://…; without it in the file shop.db. When the shop is ready it prints one line, "shop: http://…"; its log goes to standard
error.
"""

from __future__ import annotations

import argparse
import logging
import os
import socket
from pathlib import Path

import uvicorn

from shop import create_app

PAGE = Path(__file__).resolve().parent.parent / "page"


def main() -> None:
    """Serve until SIGTERM or SIGINT, then let the requests under way finish."""
    arguments = argparse.ArgumentParser(description="A small shop on FastAPI that takes money through WeChat Pay and Alipay with payseal.")
    arguments.add_argument("--wechat", type=Path, required=True, metavar="FILE", help="payseal configuration of WeChat Pay")
    arguments.add_argument("--alipay", type=Path, required=True, metavar="FILE", help="payseal configuration of Alipay")
    arguments.add_argument("--listen", default="127.0.0.1:0", metavar="ADDRESS", help="address to listen on")
    arguments.add_argument("--public-url", metavar="URL", help="base URL under which providers and buyers reach this shop; default its own")
    arguments.add_argument("--page", type=Path, default=PAGE, metavar="DIR", help="folder of the shop's pages")
    given = arguments.parse_args()

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    host, _, port = given.listen.rpartition(":")
    # Bound before the app is made, because with port 0 only the socket knows the address that notify_url needs.
    with socket.create_server((host, int(port))) as listener:
        address = "http://{}:{}".format(*listener.getsockname()[:2])
        app = create_app(
            given.wechat.read_bytes(),
            given.alipay.read_bytes(),
            database=os.environ.get("DATABASE_URL") or "sqlite:shop.db",
            public_url=given.public_url or address,
            page=given.page,
            address=address,
        )
        uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=5)).run(sockets=[listener])


if __name__ == "__main__":
    main()
