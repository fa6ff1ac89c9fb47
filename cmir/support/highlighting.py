"""Syntax highlighting of IR and of ISL relations with Pygments, for documentation, terminals and editors.

`pygmentize network.mlir` finds the lexers through an entry point.
"""

from __future__ import annotations

from typing import ClassVar

from pygments.lexer import RegexLexer, bygroups, include, using, words
from pygments.token import (
    Comment,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Text,
    Whitespace,
)


class IslLexer(RegexLexer):
    """Lexer of sets and relations in ISL syntax: `{ conv[w] -> b[j] : w <= j < w + 3 }`."""

    name = "ISL"
    aliases: ClassVar = ["isl"]
    filenames: ClassVar = ["*.isl"]
    url = "https://libisl.sourceforge.io/"

    tokens: ClassVar = {
        "root": [
            (r"\s+", Whitespace),
            (words(("and", "or", "not", "implies", "exists"), r"\b", r"\b"), Operator.Word),
            (words(("mod", "floor", "ceil", "min", "max", "abs"), r"\b", r"\b"), Name.Builtin),
            (words(("true", "false", "infty", "NaN"), r"\b", r"\b"), Keyword.Constant),
            (r"([A-Za-z_][\w']*)(\s*)(\[)", bygroups(Name.Function, Whitespace, Punctuation)),
            (r"[A-Za-z_][\w']*", Name.Variable),
            (r"\d+", Number.Integer),
            (r"->|<<=|>>=|<<|>>|<=|>=|!=|[-+*/%<>=]", Operator),
            (r"[\[\](){},:;]", Punctuation),
            (r"…", Comment),
        ]
    }


class MlirLexer(RegexLexer):
    """Lexer of MLIR's textual form, with ISL syntax inside attributes of the dialect `polyhedral`."""

    name = "MLIR"
    aliases: ClassVar = ["mlir", "cmir"]
    filenames: ClassVar = ["*.mlir"]
    url = "https://mlir.llvm.org/docs/LangRef/"

    tokens: ClassVar = {
        "root": [
            (r"\s+", Whitespace),
            (r"//.*", Comment.Single),
            include("values"),
            include("attributes"),
            include("types"),
            # An operation in generic form, in custom form, or of a dialect that needs no prefix.
            (r'("[A-Za-z_][\w$.]*")(\s*)(\()', bygroups(Keyword, Whitespace, Punctuation)),
            (r"[A-Za-z_][\w$]*(?:\.[\w$]+)+", Keyword),
            (r'"(?:\\.|[^"\\\n])*"', String),
            (r"0x[0-9A-Fa-f]+", Number.Hex),
            (r"\d+\.\d*(?:[eE][-+]?\d+)?", Number.Float),
            (r"\d+", Number.Integer),
            (r"\{-#|#-\}", Punctuation),
            (r"->|::|==|>=|<=|[-+*/=?|]", Operator),
            (r"[\[\](){}<>,:;]", Punctuation),
            (r"…", Comment),
            (r"[A-Za-z_][\w$]*", Name),
        ],
        "values": [
            (r"%(?:\d+|[A-Za-z_$.\-][\w$.\-]*)(?:#\d+)?", Name.Variable),
            (r"\^(?:\d+|[A-Za-z_$.\-][\w$.\-]*)", Name.Label),
            (r'@(?:[A-Za-z_][\w$.]*|"(?:\\.|[^"\\\n])*")', Name.Function),
        ],
        "attributes": [
            (
                r'(#polyhedral\.\w+)(<)(\s*)(")([^"\n]*)(")',
                bygroups(Name.Attribute, Punctuation, Whitespace, String, using(IslLexer), String),
            ),
            (r"#[A-Za-z_$][\w$.]*|#\d+", Name.Attribute),
            (words(("true", "false", "unit", "dense"), r"\b", r"\b"), Keyword.Constant),
        ],
        "types": [
            (r"![A-Za-z_$][\w$.]*", Keyword.Type),
            (
                r"(tensor|vector|memref)(\s*)(<)((?:(?:\d+|\?|\*|\[\d+\])x)*)",
                bygroups(Keyword.Type, Text, Punctuation, Number.Integer),
            ),
            (r"(?:[su]?i\d+|f\d+|bf16|tf32|index|none|tuple|complex)(?![\w.])", Keyword.Type),
        ],
    }


def colored(text: str) -> str:
    """Return the text of IR with the escape sequences that colour it in a terminal."""
    from pygments import highlight
    from pygments.formatters import TerminalFormatter

    return highlight(text, MlirLexer(stripnl=False, ensurenl=False), TerminalFormatter())
