"""The `xiangyi` command."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import anyio
import click

from appliance.errors import XiangyiError
from appliance.settings import Settings, SettingsError, load_settings
from model.tasks import TASKS

INPUT = click.Path(path_type=Path)


class Commands(click.Group):
    """Every foreseen error is one sentence on the terminal, never a traceback."""

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except XiangyiError as error:
            raise click.ClickException(error.message) from error


@click.group(cls=Commands)
@click.version_option(package_name="xiangyi", prog_name="xiangyi")
@click.pass_context
def main(context: click.Context) -> None:
    """乡医 Xiangyi: one box for a township hospital."""
    try:
        context.obj = load_settings()
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


@main.command()
@click.pass_obj
def up(settings: Settings) -> None:
    """Run the whole box in the foreground: web, worker and language model."""
    from appliance.up import NotStarted, run

    try:
        sys.exit(run(settings))
    except NotStarted as error:
        raise click.ClickException(str(error)) from error


@main.command()
@click.pass_obj
def web(settings: Settings) -> None:
    """Run the web server."""
    from appliance.web import serve

    serve(settings)


@main.command()
@click.pass_obj
def worker(settings: Settings) -> None:
    """Run the worker that segments."""
    from appliance.logs import set_up_logs
    from appliance.worker import work

    set_up_logs("worker")
    work(settings)


@main.group(invoke_without_command=True)
@click.pass_context
def llm(context: click.Context) -> None:
    """Run the language model; what it lacks it fetches first, in the background. Or see to the models."""
    from appliance.engines import serve_language_model
    from appliance.language_models import chosen, when_changed
    from appliance.logs import set_up_logs

    if context.invoked_subcommand is None:
        settings: Settings = context.obj
        set_up_logs("llm")
        when_changed(settings, lambda: os.kill(os.getpid(), signal.SIGTERM))  # whoever runs it starts it again
        serve_language_model(settings, chosen(settings))


@llm.command("list")
@click.pass_obj
def llm_list(settings: Settings) -> None:
    """The models that are known or were brought."""
    from appliance.language_models import list_models

    for model in list_models(settings):
        here = "已选用" if model.chosen else "已安装" if model.path else "未安装"
        memory = f"，需内存 {model.ram_bytes / 1e9:.1f} GB" if model.ram_bytes else ""
        about = f"{model.title}，{model.size_bytes / 1e9:.2f} GB{memory}"
        click.echo(f"{model.name}  {here}  {about}" + (f"，许可 {model.licence}" if model.licence else ""))


@llm.command("install")
@click.argument("what", metavar="FILE-OR-NAME")
@click.pass_obj
def llm_install(settings: Settings, what: str) -> None:
    """Fetch a known model, or copy a GGUF file from a USB stick."""
    from appliance.language_models import install

    model = install(settings, what, click.echo)
    click.echo(f"已安装 {model.name}。执行 xiangyi llm use {model.name} 选用它。")


@llm.command("use")
@click.argument("name")
@click.pass_obj
def llm_use(settings: Settings, name: str) -> None:
    """Choose an installed model; a running box changes over by itself."""
    from appliance.language_models import use

    click.echo(f"已选用 {use(settings, name).title}；运行中的问诊服务会自动换用。")


@main.group()
def documents() -> None:
    """The knowledge base."""


@documents.command("add")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def documents_add(settings: Settings, files: tuple[Path, ...]) -> None:
    """Add the hospital's own documents: Markdown, TXT, PDF or DOCX."""
    from appliance.knowledge.services import add
    from appliance.start import open_database

    database = open_database(settings)
    for file in files:
        document = add(database, None, file.name, file.read_bytes(), "terminal")
        click.echo(f"已导入 {document.title}：{document.passages} 段。")


@main.command()
@click.pass_obj
def migrate(settings: Settings) -> None:
    """Bring the database to this version's schema, and make the first admin."""
    from appliance.start import prepare

    password = prepare(settings)
    click.echo(f"数据库已就绪：{settings.database_path}")
    if password:
        click.echo(f"管理员 admin 的一次性密码：{password}")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="for programs")
@click.pass_obj
def doctor(settings: Settings, as_json: bool) -> None:
    """All self-checks, each with its mend; exit 1 on a fault."""
    from appliance.doctor import examine

    checks = anyio.run(examine, settings)
    if as_json:
        click.echo(json.dumps([check.__dict__ for check in checks], ensure_ascii=False, indent=2))
    else:
        for check in checks:
            mark = {"ok": "✓", "warning": "!", "fault": "✗"}[check.status]
            click.echo(f"{mark} {check.title_zh}：{check.message_zh}")
            if check.mend_zh:
                click.echo(f"    → {check.mend_zh}")
    sys.exit(1 if any(check.status == "fault" for check in checks) else 0)


@main.group()
def user() -> None:
    """Accounts."""


@user.command("add")
@click.argument("username")
@click.option("--role", type=click.Choice(["user", "clinician", "admin"]), default="user", show_default=True)
@click.password_option(help="asked for when it is not given")
@click.pass_obj
def user_add(settings: Settings, username: str, role: str, password: str) -> None:
    """Create an account."""
    from appliance.auth.services import create_account
    from appliance.start import open_database

    account = create_account(open_database(settings), username, password, role)
    click.echo(f"已创建 {account.username}（{account.role}）。")


@main.group()
def release() -> None:
    """Releases of the segmentation's weights."""


@release.command("list")
@click.pass_obj
def release_list(settings: Settings) -> None:
    """All releases, and which ones are served."""
    from appliance.releases.command import list_releases

    for line in list_releases(settings):
        click.echo(line)


@release.command("install")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def release_install(settings: Settings, file: Path) -> None:
    """Bring in a release's archive (zip or tar.gz), proven on its golden sample."""
    from appliance.releases.command import install

    click.echo(install(settings, file))


@release.command("activate")
@click.argument("organ", type=click.Choice(list(TASKS)))
@click.argument("version")
@click.pass_obj
def release_activate(settings: Settings, organ: str, version: str) -> None:
    """Serve a release from the next job on; a running box takes it by itself."""
    from appliance.releases.command import activate

    click.echo(activate(settings, organ, version))


@release.command("rollback")
@click.argument("organ", type=click.Choice(list(TASKS)))
@click.pass_obj
def release_rollback(settings: Settings, organ: str) -> None:
    """Serve what was served before."""
    from appliance.releases.command import roll_back

    click.echo(roll_back(settings, organ))


@release.command("verify", hidden=True)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.pass_obj
def release_verify(settings: Settings, folder: Path) -> None:
    """Prove an unpacked release; the box calls it in a process of its own."""
    from appliance.releases.command import verify

    verify(settings, folder)


@main.command()
@click.option("--organ", type=click.Choice(list(TASKS)), required=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="folder of the results")
@click.option(
    "--careful",
    is_flag=True,
    help="fundus photos only, for organs have a side: the mean over mirrored pictures, slower, a little better",
)
@click.option("--pixel-mm", type=float, help="side of a pixel, where it is known: areas and lengths are metric then")
@click.option("--slice-mm", type=float, help="distance of neighbouring slices: with --pixel-mm, the liver's volume")
@click.option("--json", "as_json", is_flag=True, help="for programs")
@click.argument("inputs", nargs=-1, required=True, type=INPUT, metavar="INPUT…")
@click.pass_obj
def segment(settings: Settings, out: Path, as_json: bool, inputs: tuple[Path, ...], **asked: Any) -> None:
    """Segment pictures with no server; exit 1 when one failed."""
    from appliance.studies.command import segment_files
    from appliance.studies.orders import Order

    results = segment_files(settings, Order(**asked), inputs, out)
    if as_json:
        click.echo(json.dumps(results, ensure_ascii=False, indent=2))
    else:
        for result in results["results"]:
            sure = [result["confidence"]["textZh"]] if result["confidence"] else []
            said = "；".join([f["textZh"] for f in result["findings"]] + sure + result["quality"]["reasonsZh"])
            click.echo(f"{result['input']}  {result['status']}  {result['overlayPath'] or ''}  {said}")
        for finding in results["findings"]:
            click.echo(finding["textZh"])
    sys.exit(1 if any(result["status"] == "failed" for result in results["results"]) else 0)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="for programs")
@click.argument("question")
@click.pass_obj
def consult(settings: Settings, question: str, as_json: bool) -> None:
    """Ask the language model of the running box one question."""
    from appliance.consultations.command import consult_once

    anyio.run(consult_once, settings, question, as_json)


@main.command()
@click.option("--scheduled", is_flag=True, help="into the backups' folder, and let old ones go: for the timer")
@click.option("--plain", is_flag=True, help="not encrypted, although the box has a key")
@click.argument("file", type=INPUT, required=False)
@click.pass_obj
def backup(settings: Settings, file: Path | None, scheduled: bool, plain: bool) -> None:
    """Write database and files into one archive, proven by a real restore."""
    from appliance.backups.command import back_up_by_clock, back_up_to

    if (file is None) != scheduled:
        raise click.UsageError("需要文件名，或 --scheduled。")
    click.echo(back_up_by_clock(settings) if file is None else back_up_to(settings, file, plain))


@main.command("backup-key")
@click.pass_obj
def backup_key(settings: Settings) -> None:
    """Show the key of the box's backups for printing; make it first when there is none."""
    from appliance.backups.command import key_sheet

    click.echo(key_sheet(settings))


@main.command()
@click.option("--key", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="file of the recovery key")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def restore(settings: Settings, file: Path, key: Path | None) -> None:
    """Bring back an archive, all or nothing; what was there is kept beside it."""
    from appliance.backups.command import restore_from

    click.echo(restore_from(settings, file, key))


if __name__ == "__main__":
    main()
