"""What the command says when it cannot do its work: in Chinese and English, with the word for programs before it."""

from .lock import FolderInUse
from .remote import RemoteFailed
from .snapshot import SnapshotRefused

_REFUSED = ("快照未通过校验，未予采用。", "A snapshot did not stand the test and is not used.")
_TEXTS: dict[str, tuple[str, str]] = {
    "folder_in_use": (
        "另一程序正在更新此目录；请先停止它，或另选目录。",
        "Another process keeps this folder fresh: stop it, or take another folder.",
    ),
    "disk": ("目录无法读写，请检查权限与磁盘空间。", "The folder cannot be read or written: look at rights and room."),
    "unreachable": (
        "无法连接核验服务，请检查网络与地址。",
        "The service does not answer: look at the line and the address.",
    ),
    "malformed": ("服务的应答无法使用。", "The service's answer cannot be used."),
    "key_invalid": ("终端密钥无效或已撤销。", "The terminal's key is unknown or revoked."),
    "key_missing": ("没有终端密钥。", "There is no key of a terminal."),
    "role_not_allowed": ("该密钥无权跟随通知（follow_feed）。", "The key may not follow the feed (follow_feed)."),
    "signature_missing": (
        "该密钥须对请求签名；请另建只可跟随通知的密钥。",
        "The key has to sign its requests: make one that may only follow.",
    ),
    "feed_position_unknown": (
        "登记库已恢复到更早的时点，需更换通知密钥。",
        "The register was restored to an earlier point: the feed needs a new key.",
    ),
    "snapshot_not_ready": (
        "服务尚未生成快照，请稍后再试。",
        "There is no snapshot yet: try again later.",
    ),
    "behind": ("服务落后于已知内容，请稍后再试。", "The service is behind what is known here: try again later."),
    "gap": ("服务未给出后续变更，请稍后再试。", "The service leaves changes out: try again later."),
    "unknown_signer": (
        "快照由不受信任的密钥签署；如已换钥，请用 --signer 增加新公钥。",
        "The snapshot's signer is not trusted here: where the key was replaced, give the new one as another --signer.",
    ),
    "other_deployment": (
        "地址后面是另一套系统；若确为更换，请清空目录。",
        "Another register stands behind the address: empty the folder if that is meant.",
    ),
    "other_key": ("各副本的通知密钥不一致。", "The service's replicas have different keys of the feed."),
}


# What the parser of the command says is wrong, by a word of its own; the first that fits.
_MISTAKES = (
    ("are required", "usage_missing", "缺少必需的选项。", "Something that the command needs is missing."),
    ("expected one argument", "usage_missing", "选项缺少其值。", "An option lacks its value."),
    ("argument COMMAND: invalid choice", "usage_unknown", "没有这个命令。", "There is no such command."),
    ("unrecognized arguments", "usage_unknown", "没有这个选项，或内容多余。", "There is no such option, or too much."),
)
_WRONG_VALUE = ("usage_value_invalid", "参数的值不可用。", "A value of the command cannot be used.")


def mistaken(remark: str) -> str:
    """A text of two languages for a command that cannot be read, with the parser's remark."""
    code, zh, en = next((tuple(found) for word, *found in _MISTAKES if word in remark), _WRONG_VALUE)
    return f"{code}: {zh} {en}\n  {remark}"


def told(error: Exception) -> str:
    """A text of two languages for a failure that a user can meet."""
    reason, fallback = _named(error)
    zh, en = _TEXTS.get(reason, fallback)
    return f"{reason}: {zh}\n{en}"


def _named(error: Exception) -> tuple[str, tuple[str, str]]:
    if isinstance(error, FolderInUse):
        return "folder_in_use", _TEXTS["folder_in_use"]
    if isinstance(error, SnapshotRefused):
        return error.reason, _REFUSED
    if isinstance(error, RemoteFailed):
        return error.code[:64], ("服务拒绝了请求。", f"The service refuses. {error}")
    return "disk", _TEXTS["disk"]
