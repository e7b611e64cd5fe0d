"""Logs of servers with another ``lc_messages`` than English: their words turned into the English ones, which all else
here knows.

The words are those of PostgreSQL 15's own translations (``src/backend/po``, PostgreSQL licence) of the messages of
``postgres.c`` and of the severities of ``elog.c``. Only what stands where the server puts it is replaced: a word at the
beginning of a message, a severity before its colon or its SQLSTATE.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

_START = rb'("|:  )'
"""What stands before a message: the quote of csvlog and jsonlog, or the severity's colon."""

_LOOKED_AT = 64 << 10
"""Bytes of a log in which its language shows."""

_SPACE = "(?: |\u00a0)?"
_ENGLISH = re.compile(rb"\b(?:LOG|ERROR|FATAL|WARNING|NOTICE|INFO|DETAIL|STATEMENT)(?::  |,[0-9A-Z]{5},|\")")
_TIMED = re.compile(_START + rb"(?!duration: )[^\s\d\":]+(?: |\xc2\xa0)?: \d+\.\d{3} \S+")


@dataclass(frozen=True)
class Language:
    """The words of one translation, where they differ -> the English ones. ``said``: what is done; ``behind``: the same
    for words that follow the statement's name, with what joins them to it; ``severities``."""

    duration: str
    unit: str
    said: Mapping[str, str]
    behind: Mapping[str, str]
    severities: Mapping[str, str]

    @cached_property
    def _message(self) -> re.Pattern[bytes]:
        timed = rf"{self.duration}{_SPACE}: ([0-9.]+) {self.unit}"
        said = rf"({_any(self.said)}){_SPACE}(: | )"
        said_of = rf"({_any(self.said)})(?:{_SPACE}(: | )|(?=[<\w]))"
        behind = rf"([^\s:]+?)({_any(self.behind)}): " if self.behind else "($^)($^)"
        return re.compile(_START + f"(?:{timed}(?:(?:, |  ?)(?:{said_of}|{behind}))?|{said})".encode())

    @cached_property
    def _severity(self) -> re.Pattern[bytes]:
        words = _any(self.severities)
        return re.compile(rf"(?<![\w])({words}){_SPACE}(:  |,(?=[0-9A-Z]{{5}},)|\"(?=,))".encode())

    def found_in(self, data: bytes) -> int:
        """How many words of this language stand in ``data`` where a server puts them."""
        return len(self._message.findall(data)) + len(self._severity.findall(data))

    def to_english(self, data: bytes) -> bytes:
        """``data`` as a server with English messages would have written it."""
        said, behind, severities = (
            {word.encode(): english.encode() for word, english in words.items()}
            for words in (self.said, self.behind, self.severities)
        )

        def message(found: re.Match[bytes]) -> bytes:
            start, took, timed, after, name, last, untimed, following = found.groups()
            if took is None:
                return b"".join((start, said[untimed], following))
            told = (
                b"  " + said[timed] + (after or b" ") if timed else b"  %s %s: " % (behind[last], name) if last else b""
            )
            return b"".join((start, b"duration: ", took, b" ms", told))

        data = self._severity.sub(lambda found: severities[found[1]] + found[2], data)
        return self._message.sub(message, data)


def _any(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


@lru_cache(maxsize=1)
def language_of(head: bytes) -> Language | None:
    """The language, other than English, in which a log's ``head`` is written."""
    counts = [language.found_in(head[:_LOOKED_AT]) for language in _LANGUAGES]
    return _LANGUAGES[counts.index(max(counts))] if any(counts) else None


def unknown(head: bytes) -> bool:
    """Whether ``head`` seems to be written in a language that is not known here."""
    if not head or b"duration: " in head:
        return False
    return not _ENGLISH.search(head) or _TIMED.search(head) is not None


def _language(
    duration: str, unit: str, said: str, severities: str, behind: Mapping[str, str] | None = None
) -> Language:
    """``said``: the words for statement, parse, and so on (two for one are divided by a slash)."""
    english = ("statement", "parse", "bind", "execute fetch from", "execute", "parameters", "prepare")
    levels = ("LOG", "ERROR", "FATAL", "PANIC", "WARNING", "NOTICE", "INFO", "DEBUG", *_PARTS)
    done = zip(english, said.split("|"), strict=True)
    return Language(
        duration,
        unit,
        {word: name for name, words in done for word in words.split("/") if word and word != name},
        behind or {},
        {word: level for level, word in zip(levels, severities.split("|"), strict=True) if word},
    )


_PARTS = ("DETAIL", "HINT", "QUERY", "CONTEXT", "STATEMENT")

_LANGUAGES = (
    _language(
        "Dauer",
        "ms",
        "Anweisung|Parsen|Binden|Ausführen Fetch von|Ausführen|Parameter|Vorbereiten",
        "|FEHLER||PANIK|WARNUNG|HINWEIS||||TIPP|ANFRAGE|ZUSAMMENHANG|ANWEISUNG",
    ),
    _language(
        "duración",
        "ms",
        "sentencia|parse:|bind|ejecutar fetch desde|ejecutar|parámetros|prepare",
        "||||||||DETALLE||CONSULTA|CONTEXTO|SENTENCIA",
    ),
    _language(
        "durée",
        "ms",
        "instruction|analyse|lien|exécute fetch à partir de|exécute|paramètres|préparation",
        "|ERREUR|||ATTENTION||||DÉTAIL|ASTUCE|REQUÊTE|CONTEXTE|INSTRUCTION",
    ),
    _language(
        "durata",
        "ms",
        "istruzione|analisi di|bind|esecuzione di fetch da|esecuzione di|parametri|preparazione",
        "|ERRORE|FATALE|PANICO|ATTENZIONE|NOTIFICA|||DETTAGLI|SUGGERIMENTO||CONTESTO|ISTRUZIONE",
    ),
    _language(
        "期間",
        "ミリ秒",
        "文|パース|バインド|取り出し実行|実行|パラメータ|準備",
        "||||||||詳細|ヒント|問い合わせ|文脈|文",
    ),
    _language(
        "(?:실행|수행)시간",
        "ms",
        "명령 구문|||자료뽑기|쿼리실행|매개 변수|prepare",
        "로그|오류|치명적오류|손상|경고|알림|정보|디버그|상세정보|힌트|쿼리|내용|명령 구문",
        {" 구문분석": "parse", " 접속": "bind"},
    ),
    _language(
        "ხანგრძლივობა",
        "მწმs?",
        "გამოსახულება/ოპერატორი||მიბმა||გაშვება|პარამეტრები|მომზადება",
        "ჟურნალი|შეცდომა|ფატალური|პანიკა|გაფრთხილება||ინფორმაცია|გამართვა"
        "|დეტალები|მინიშნება|მოთხოვნა|კონტექსტი|ოპერატორი",
        {"-ის დამუშავება": "parse"},
    ),
    _language(
        "продолжительность",
        "мс",
        "оператор|разбор|сообщение Bind|выборка из|выполнение|параметры|подготовка",
        "СООБЩЕНИЕ|ОШИБКА|ВАЖНО|ПАНИКА|ПРЕДУПРЕЖДЕНИЕ|ЗАМЕЧАНИЕ|ИНФОРМАЦИЯ|ОТЛАДКА"
        "|ПОДРОБНОСТИ|ПОДСКАЗКА|ЗАПРОС|КОНТЕКСТ|ОПЕРАТОР",
    ),
    _language(
        "varaktighet",
        "ms",
        "sats|parse|bind|kör hämtning från|kör|parametrar|prepare",
        "LOGG|FEL|FATALT|PANIK|VARNING|NOTIS|||DETALJ|TIPS|FRÅGA|KONTEXT|SATS",
    ),
    _language(
        "тривалість",
        "мс",
        "оператор|аналізування|повідомлення bind|виконати витягнення з|виконувати|параметри|підготовка",
        "ЗАПИСУВАННЯ|ПОМИЛКА|ФАТАЛЬНО|ПАНІКА|ПОПЕРЕДЖЕННЯ|ПОВІДОМЛЕННЯ|ІНФОРМАЦІЯ|НАЛАГОДЖЕННЯ"
        "|ВІДОМОСТІ|УКАЗІВКА|ЗАПИТ|КОНТЕКСТ|ІНСТРУКЦІЯ",
    ),
    _language(
        "执行时间",
        "ms",
        "语句|解析|绑定|执行FETCH操作|执行|参数|准备",
        "日志|错误|致命错误|比致命错误还过分的错误|警告|注意|信息|调试|详细信息|提示|查询|上下文|语句",
    ),
)
