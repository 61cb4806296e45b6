"""Presets: a file of them is read, or refused in a sentence."""

import pytest

from lazyrich_dashboard import presets


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[preset", "must be a TOML file; got an error in own.toml"),
        ("[preset]\nname = 'a'", "must be \\[\\[preset\\]\\] tables"),
        ("[[preset]]\nname = 'a'", "must have name, title, text, question, link and no more; got name in preset 1"),
        ("[[preset]]\nname=1\ntitle='a'\ntext='a'\nquestion='a'\nlink='a'", "name of a preset must be a text; got 1"),
        (2 * "[[preset]]\nname='a'\ntitle='a'\ntext='a'\nquestion='a'\nlink='a'\n", "must differ; got 'a' twice"),
    ],
)
def test_a_broken_file_is_refused_in_a_sentence(tmp_path, text, sentence):
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=sentence):
        presets.load_presets(path)
