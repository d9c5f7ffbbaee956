"""The bytes of a page as text, whatever they claim to be."""

from __future__ import annotations

import codecs
import re

__all__ = ["as_text"]

_CODECS = {
    "ascii": "cp1252",
    "big5": "big5hkscs",
    "euc-jp": "euc_jp",
    "euc-kr": "cp949",
    "gb18030": "gb18030",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso-2022-jp": "iso2022_jp",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "koi8-r": "koi8_r",
    "koi8-u": "koi8_u",
    "ks_c_5601-1987": "cp949",
    "latin-1": "cp1252",
    "latin1": "cp1252",
    "macintosh": "mac_roman",
    "shift-jis": "cp932",
    "shift_jis": "cp932",
    "us-ascii": "cp1252",
    "utf-16": "utf_16",
    "utf-16be": "utf_16_be",
    "utf-16le": "utf_16_le",
    "utf-8": "utf_8",
    "utf8": "utf_8",
    "windows-31j": "cp932",
    **{f"iso-8859-{number}": f"iso8859_{number}" for number in (2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16)},
    **{f"windows-{number}": f"cp{number}" for number in range(1250, 1259)},
}
"""Names of the web (WHATWG Encoding) and Python's for them. Any other name is not believed: some of Python's
codecs run or unpack what they read."""
_MARKS = (
    (codecs.BOM_UTF8, "utf_8_sig"),
    (codecs.BOM_UTF16_LE, "utf_16"),
    (codecs.BOM_UTF16_BE, "utf_16"),
)
_META = re.compile(rb"<meta[^>]{0,200}?charset\s{0,4}=\s{0,4}[\"']?\s{0,4}([\w:.-]{1,40})", re.IGNORECASE)
_HEAD = 4_096


def as_text(body: bytes, said: str = "") -> str:
    """The text of `body`: as its mark, the server or the page itself says, if its bytes agree.

    Else as UTF-8, or as the Western encoding that old pages are in.
    """
    for mark, codec in _MARKS:
        if body.startswith(mark):
            return body.decode(codec, "replace")
    meta = _META.search(body[:_HEAD])
    for name in (said, meta[1].decode("ascii").lower() if meta else "", "utf-8"):
        codec = _CODECS.get(name, "")
        if codec:
            try:
                return body.decode(codec)
            except UnicodeDecodeError:
                continue
    # A page that is UTF-8 but for a few bytes is not all Western letters.
    text = body.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    return text if broken * 200 < len(text) else body.decode("cp1252", "replace")
