import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_core.errors import InputError
from clinseek_replay.index import lines as module
from clinseek_replay.index import scan_lines

PARTS = st.lists(st.sampled_from([b"", b"a", b"\r", b" ", b"{}", b"x" * 40]), max_size=12)


@settings(deadline=None, max_examples=50)
@given(parts=PARTS, ended=st.booleans(), chunk=st.integers(1, 50))
def test_every_line_that_is_not_empty_is_found_where_it_lies(tmp_path_factory, parts, ended, chunk):
    data = b"\n".join(parts) + b"\n" * ended
    path = tmp_path_factory.mktemp("lines") / "any"
    path.write_bytes(data)
    expected, offset = [], 0
    for number, text in enumerate(io.BytesIO(data), 1):
        if text != b"\n":
            expected.append((number, offset, len(text)))
        offset += len(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CHUNK", chunk)
        assert list(scan_lines(path).rows()) == expected


def test_a_file_that_is_gone_says_so(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        scan_lines(tmp_path / "none")
