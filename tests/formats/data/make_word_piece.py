#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes word_piece.tsv, the expectations of word_piece_test.cpp, with the `tokenizers` package (0.23.3).

The vocabularies are trained on the texts below, so that no file of somebody else's is needed. One line per case:
vocabulary, text and second text as UTF-8 in hexadecimal, then number:type of every token."""
import pathlib

from tokenizers import BertWordPieceTokenizer

HERE = pathlib.Path(__file__).parent
TEXTS = [
    "The quick brown fox jumps over the lazy dog.", "Unaffable, unbelievable; isn't it?", "Hello WORLD",
    "Crème brûlée in Zürich, naïve façade", "İstanbul'da IĞDIR", "ΑΒΓ Οδυσσεύς ΣΊΣΥΦΟΣ", "Привет, Мир! Ёжик",
    "北京大学生活", "東京タワーへ行きました。がぎぐ", "한국어 텍스트", "ไทย ภาษา", "עברית שלום", "مرحبا بالعالم",
    "emoji 😀👍🏽 end", "price: $5.99 + 20% = £7~8", "e-mail: a_b@c.de #tag", "tab\tnewline\nreturn\rend",
    "zero\u200bwidth soft\u00adhyphen nbsp\u00a0here ideographic\u3000space", "ﬁne ligature ½ ² Ⅷ",
    "combining e\u0301 a\u0308", "[MASK] is [CLS] here [PAD]x", "[mask] lower", "", "   ", "a" * 101, "a" * 100,
    "ẞ ß Ǆ Å K", "«quotes» “curly” ‘single’ — dash… ellipsis", "line\u2028separator para\u2029graph vt\u000bx nel\u0085y",
    "private \ue000 use \ufffd replacement \u0000 null", "𠀀𪜀 supplementary", "1234567890 3.14", "¿Qué tal? ¡Bien!",
]
PAIRS = [("How are you?", "I am fine, thank you."), ("北京", "Crème"), ("", "second only"), ("first only", "")]


def train(name, **options):
    tokenizer = BertWordPieceTokenizer(**options)
    corpus = [text for text in TEXTS if len(text) < 90] + ["hello world the fox dog over lazy"] * 20
    tokenizer.train_from_iterator(corpus, vocab_size=400, min_frequency=1, show_progress=False)
    vocab = tokenizer.get_vocab()
    tokens = sorted(vocab, key=vocab.get)
    # Half of the letters go, so that [UNK] and splitting both happen.
    tokens = tokens[:5] + [t for i, t in enumerate(tokens[5:]) if len(t) > 1 or i % 7]
    (HERE / f"{name}.vocab.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8", newline="\n")
    return BertWordPieceTokenizer(str(HERE / f"{name}.vocab.txt"), **options)


def main():
    lines = []
    for name, options in {
        "uncased": dict(lowercase=True, strip_accents=True),
        "accents": dict(lowercase=True, strip_accents=False),
        "cased": dict(lowercase=False, strip_accents=False),
    }.items():
        tokenizer = train(name, **options)
        for text, second in [(text, "") for text in TEXTS] + PAIRS:
            encoding = tokenizer.encode(text, second) if second else tokenizer.encode(text)
            numbers = " ".join(f"{i}:{t}" for i, t in zip(encoding.ids, encoding.type_ids))
            lines.append("\t".join([name, text.encode().hex(), second.encode().hex(), numbers]))
    (HERE / "word_piece.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


main()
