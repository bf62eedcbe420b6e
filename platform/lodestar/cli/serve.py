"""lodestar up, web, worker, redis: the servers. `up` runs the other three together."""

import os

import typer

from lodestar.cli.base import err, set_up

app = typer.Typer()


@app.command()
def up() -> None:
    """Start everything on this machine: Redis, web server, worker. Ctrl-C stops it all."""
    set_up()
    from lodestar.up import run  # noqa: PLC0415 - needs Django

    raise typer.Exit(run(err))


@app.command()
def web() -> None:
    """Start the web server alone. It loads no torch."""
    os.environ.setdefault("LODESTAR_DATABASE_POOL", "1")
    import uvicorn  # noqa: PLC0415 - the other commands do without it

    from lodestar.environment import read_environment  # noqa: PLC0415 - ends the process on bad values

    environment = read_environment()
    uvicorn.run(
        "lodestar.asgi:application",
        host=environment.host,
        port=environment.port,
        workers=environment.web_processes,
        loop="uvloop",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # Without a proxy every caller of this machine could name any address as its own and so never run into a limit.
        proxy_headers=environment.public_url != f"http://127.0.0.1:{environment.port}",
        ws_max_size=65_536,
        timeout_graceful_shutdown=5,
    )


@app.command()
def worker() -> None:
    """Start a worker: it claims runs and jobs and executes them in processes of their own."""
    set_up()
    from workers.agent import host  # noqa: PLC0415 - needs Django

    raise typer.Exit(host.main())


@app.command()
def redis() -> None:
    """Start the private Redis alone, on a unix socket that only you can open."""
    set_up()
    from lodestar.up.redis_server import redis_command  # noqa: PLC0415

    command = redis_command()
    os.execv(command[0], command)  # noqa: S606 - no shell: the command is a list we build
