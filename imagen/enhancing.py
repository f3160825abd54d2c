"""A description with what it does not say yet of medium, light, framing and detail: by table, or a site's function."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from django.utils.translation import get_language

from imagen import rewriting
from imagen.types import ASPECT_RATIOS, MAX_PROMPT

# What says it already, whatever the language around it: whole words in any case.
NAMED: Mapping[str, tuple[str, ...]] = {
    "medium": (
        r"photo(?:s|graph|graphs|graphic|graphy)?|paint(?:ed|ing|ings)|watercolou?rs?|in oils?|drawn in|drawings?",
        r"illustrat(?:ed|ions?)|woodcuts?|linocuts?|engravings?|etchings?|prints?|posters?|comics?|cartoons?|anime|manga",
        r"3d|renders?|rendering|renderings|pixel art|vector|logos?|icons?|collages?|mosaics?|sculptures?|ink|pencils?",
        r"sketch(?:es)?|infographics?|line art|charcoal|pastels?|origami|clay",
        r"\w*fotos?|\w*fotografien?|gemälde|gemalt\w*|aquarelle?|gezeichnet\w*|zeichnung(?:en)?|skizzen?|illustration(?:en)?",
        r"\w*holzschnitte?|linolschnitte?|kupferstiche?|radierung(?:en)?|plakate?|karikaturen?|tusche|bleistift",
        r"photographi(?:e|es|que)|peintures?|peinte?s?|aquarelles?|dessins?|dessinée?s?|croquis|esquisses?|gravures?",
        r"estampes?|affiches?|encre|fusain|crayon",
        r"\w*فوتوغرافي\w*|\w*لوحة|\w*رسم\w*|\w*مرسوم\w*|ألوان مائية|نقش|\w*كاريكاتير\w*",
    ),
    "light": (
        r"(?:back|candle|day|fire|head|lamp|moon|rim|spot|star|street|sun|torch|twi)?light(?:s|ing)?|(?:back|candle|star)?lit|sun|sunny|sunrise|sunset|dawn|dusk|noon|midday|mornings?|evenings?|nights?",
        r"shadows?|shade|shady|glow|glows|glowing|bright|brightly|dark|darkness|overcast|lamps?|lanterns?|candles?|neon",
        r"golden hour|blue hour|moon|moonlit|gloomy|sunlit",
        r"(?:abend|dämmer|gegen|kerzen|kunst|laternen|mond|morgen|seiten|sonnen|stern|streif|tages)?licht(?:er|es)?|sonne|sonnig\w*|sonnen(?:aufgang|untergang|strahlen)|\w*dämmerung|\w*abends?|\w*nachts?",
        r"\w*morgens?|\w*mittags?|schatten|schattig\w*|hell(?:e[mnrs]?)?|dunkel|dunkle[mnrs]?|leuchtend\w*|beleuchtet\w*",
        r"mond|kerzen?|laternen?",
        r"lumières?|lumineu(?:x|ses?)|éclair(?:age|ée?s?)|soleil|ensoleillée?s?|aube|aurore|crépuscule|matin|soir|nuit|midi",
        r"ombres?|contre-jour|lueurs?|lune|sombres?|bougies?|lanternes?",
        r"\w*ضوء\w*|\w*إضاءة|\w*نور|\w*شمس\w*|\w*غروب|\w*شروق|\w*فجر|\w*ليل\w*|\w*صباح\w*|\w*مساء\w*|\w*ظهيرة|\w*ظل\w*|\w*قمر",
    ),
    "framing": (
        r"close[- ]?ups?|(?:wide|medium|full|long|low|high)[- ](?:shot|angle|view|framing)|panoram(?:a|ic)|portraits?",
        r"aerial|overhead|bird['’]s[- ]eye|from (?:above|below|behind)|full[- ]length|half[- ]length|foreground|macro",
        r"cent(?:re|er)d|symmetr(?:y|ical)|fram(?:ed|ing)|compos(?:ed|ition)|upright|head and shoulders",
        r"nahaufnahmen?|weitwinkel|panorama\w*|luftbild(?:er)?|\w*perspektive|von (?:oben|unten|hinten)|\w*porträts?",
        r"halbtotale|totale|bildaufbau|bildausschnitt|vordergrund|mittig|symmetrisch\w*|makro|hochformat|querformat",
        r"gros plan|plan (?:large|moyen|serré|rapproché)|grand[- ]angle|panoramiques?|vue aérienne|en pied",
        r"(?:contre-)?plongée|vue? d['’]en (?:haut|bas)|premier plan|cadr(?:age|ée?s?)|centrée?s?|symétri(?:e|ques?)",
        r"\w*لقطة|عن قرب|من (?:الأعلى|أعلى|الأسفل|الخلف)|\w*بانورام\w*|بورتريه|\w*تكوين|\w*مقدمة|\w*إطار|\w*تأطير",
    ),
    "detail": (
        r"detail(?:s|ed)?|depth|sharp|sharply|focus|focused|bokeh|blur|blurred|blurry|crisp|intricate|textur(?:es?|ed)",
        r"minimal(?:ist)?",
        r"detail(?:s|liert\w*|reich\w*)|\w*tiefe|\w*schärfe\w*|scharf|scharfe[mnrs]?|unscharf|strukturen?|texturen?",
        r"minimalistisch\w*|schlicht\w*",
        r"détails?|détaillée?s?|profondeur|nettes?|netteté|flou(?:e|s|es)?|minimalistes?|épurée?s?",
        r"\w*تفاصيل|\w*مفصل\w*|\w*عمق|\w*وضوح|\w*ملمس|\w*ضبابي\w*",
    ),
}
ADDED: Mapping[str, Mapping[str, str]] = {
    "medium": {"en": "photograph", "de": "Fotografie", "fr": "photographie", "ar": "صورة فوتوغرافية"},
    "light": {
        "en": "soft natural light",
        "de": "weiches, natürliches Licht",
        "fr": "lumière douce et naturelle",
        "ar": "إضاءة طبيعية ناعمة",
    },
    "panorama": {
        "en": "panoramic framing with calm edges",
        "de": "Panorama mit ruhigen Rändern",
        "fr": "cadrage panoramique aux bords calmes",
        "ar": "لقطة بانورامية بأطراف هادئة",
    },
    "wide": {
        "en": "wide framing with room around the subject",
        "de": "weiter Bildausschnitt mit Raum um das Motiv",
        "fr": "cadrage large avec de l’espace autour du sujet",
        "ar": "إطار واسع مع مساحة حول الموضوع",
    },
    "square": {
        "en": "centred composition",
        "de": "Motiv mittig im Bild",
        "fr": "sujet centré",
        "ar": "تكوين يتوسطه الموضوع",
    },
    "tall": {
        "en": "upright framing from foreground to background",
        "de": "Hochformat, vom Vordergrund bis in die Ferne",
        "fr": "cadrage vertical, du premier plan à l’arrière-plan",
        "ar": "إطار عمودي من المقدمة إلى الخلفية",
    },
    "detail": {
        "en": "clear depth and fine detail",
        "de": "räumliche Tiefe und feine Details",
        "fr": "profondeur marquée et détails fins",
        "ar": "عمق واضح وتفاصيل دقيقة",
    },
}
WIDTHS = ((2.0, "panorama"), (1.1, "wide"), (0.9, "square"), (0.0, "tall"))  # at least so much wider than high
# Small words that stand in one of these languages only, and a script.
TELLING: Mapping[str, str] = {
    "en": r"a|the|of|with|and|at|from|under|over|near|its|his",
    "de": r"der|das|den|dem|ein|eine[mnrs]?|und|mit|im|am|auf|bei|vom|zum|zur|über|vor|durch|aus",
    "fr": r"le|la|les|une?|du|et|avec|dans|sur|sous|aux?|près|chez|par|vers|devant",
    "ar": r"[\u0621-\u064a]+",
}
COMMA = {"ar": "، "}


def _whole(*patterns: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(patterns)})\b", re.IGNORECASE)


_NAMED = {kind: _whole(*patterns) for kind, patterns in NAMED.items()}
_TELLING = {language: _whole(pattern) for language, pattern in TELLING.items()}
_ENDED = re.compile(r"[.!?…؟。][\"'”’»)\]]*$")
_OPEN = re.compile(r"[,;:،]$")


def richer(text: str, *, ratio: str, style: str = "") -> str | None:
    """This description as ``IMAGEN["ENHANCE"]`` says it, for this shape and a style of these words; ``None`` if not."""
    return rewriting.said("ENHANCE", text, ratio=ratio, style=style)


def by_table(text: str, *, ratio: str, style: str = "") -> str:
    """This description, and after it what neither it nor the style says yet, as far as there is room."""
    text = text.strip()
    said, language = text, _language(text)
    more: list[str] = []
    for phrase in _missing(text, ratio, style, language) if text else ():
        longer = _joined(text, COMMA.get(language, ", ").join([*more, phrase]))
        if len(longer) <= MAX_PROMPT:
            said, more = longer, [*more, phrase]
    return said


def _joined(text: str, more: str) -> str:
    if _OPEN.search(text):
        return f"{text} {more}."
    return f"{text}{'' if _ENDED.search(text) else '.'} {more[0].upper()}{more[1:]}."


def _missing(text: str, ratio: str, style: str, language: str) -> Iterator[str]:
    """What is added, in the order of the table; a style has its own medium."""
    for kind, named in _NAMED.items():
        if not named.search(f"{text}\n{style}") and not (style and kind == "medium"):
            yield ADDED[_framing(ratio) if kind == "framing" else kind][language]


def _framing(ratio: str) -> str:
    wide, high = map(int, (ratio if ratio in ASPECT_RATIOS else "1:1").split(":"))
    return next(name for least, name in WIDTHS if wide / high >= least)


def _language(text: str) -> str:
    """The language most of its small words are from, else the page's, else English."""
    counts = {language: len(telling.findall(text)) for language, telling in _TELLING.items()}
    most = max(counts.values())
    found = [language for language, count in counts.items() if count == most]
    page = (get_language() or "").partition("-")[0]
    return found[0] if len(found) == 1 else page if page in TELLING else "en"
