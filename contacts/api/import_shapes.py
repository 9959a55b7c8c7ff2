"""What goes into imports by the API and what comes out. In: fields of a form or of JSON. Out: values; runs as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import MultiPartParser

from bounces.api.bodies import TooLarge, is_keepable
from bounces.api.strict import StrictSerializer, Text
from bounces.intake.keep import megabytes
from contacts.fields import LONGEST, LONGEST_TAG, MOST_TAGS
from contacts.importing.options import (
    LONGEST_KEY,
    NEW_TYPES,
    OPT_OUT_LABELS,
    UPDATE_LABELS,
    OptOuts,
    Update,
    given_to_all,
)
from contacts.importing.outcomes import early_rows, known_groups, preview_groups
from contacts.importing.reading import Manner
from contacts.importing.reading.encodings import known_encoding
from contacts.importing.reading.manners import LONGEST_SHEET, known_separator
from contacts.importing.reading.tables import LONGEST_CELL
from contacts.importing.said import Why
from contacts.importing.turns import place_of
from contacts.importing.wrong_cells import CLEANED, FAILED, LEFT_EMPTY, MISTYPED, wrong_cells
from contacts.models import CustomField, ImportRow, ImportRun
from contacts.models.people import PLAIN_KEY

ENVELOPE = 1024 * 1024  # what the form around the file may weigh
MOST_COLUMNS = 200
MOST_ROWS = 50_000
SHOWN = 8  # first rows of each verdict
WRONG_SHOWN = 50  # different wrong texts


class FileBody(MultiPartParser):
    """A form with a file, refused by its announced length before anything is read."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        request = (parser_context or {}).get("request")
        announced = int(request.META.get("CONTENT_LENGTH") or 0) if request is not None else 0
        if announced > settings.IMPORT_CAP + ENVELOPE:
            raise TooLarge(f"The file has {megabytes(announced)}; at most {megabytes(settings.IMPORT_CAP)} are taken.")
        found = super().parse(stream, media_type, parser_context)
        if not is_keepable([*found.data, *(each for values in found.data.lists() for each in values[1])]):
            raise ParseError("A text holds a character that cannot be kept.")
        return found


class JsonText(serializers.Field[Any, Any, Any, Any]):
    """A field of JSON; in a form it is written as text."""

    def get_value(self, dictionary: Any) -> Any:
        if not hasattr(dictionary, "getlist"):
            return super().get_value(dictionary)
        # REST framework would look for a form's `mapping.KEY` and `new_fields[0]KEY`, and find none.
        value = dictionary.get(self.field_name, serializers.empty)
        try:
            return json.loads(value) if isinstance(value, str) else value
        except (ValueError, RecursionError):
            return value  # refused as what it is not


class JsonDict(JsonText, serializers.DictField):
    pass


class NewFieldSerializer(StrictSerializer):
    key = serializers.RegexField(PLAIN_KEY, max_length=LONGEST_KEY)
    label = Text(max_length=100)  # type: ignore[assignment]  # the field hides the serializer's property
    type = serializers.ChoiceField(choices=list(NEW_TYPES), default="text")


class NewFields(JsonText, serializers.ListField):
    child = NewFieldSerializer()


class AskedSerializer(StrictSerializer):
    """What the file's columns mean, and what its import may do."""

    mapping = JsonDict(
        child=serializers.CharField(allow_blank=True, max_length=100),
        default=dict,
        help_text="What a column means, by its header: a field such as `email`, `custom.<key>`, or empty to leave it "
        "out. Columns that are not named are guessed.",
    )
    saved = Text(default="", allow_blank=True, max_length=100, help_text="A saved mapping, by name.")
    save_as = Text(default="", allow_blank=True, max_length=100, help_text="Keeps what the columns mean by this name.")
    update = serializers.ChoiceField(  # type: ignore[assignment]  # the field hides the serializer's method
        choices=[(str(each), UPDATE_LABELS[each]) for each in Update],
        default=str(Update.OVERWRITE),
        error_messages={"invalid_choice": "“{input}” is none of: " + ", ".join(Update) + "."},
    )
    empties = serializers.BooleanField(default=False, help_text="An empty cell empties its field.")
    strict = serializers.BooleanField(
        default=False, help_text="A cell that cannot be read leaves out its whole row, not only itself."
    )
    opt_outs = serializers.ChoiceField(
        choices=[(str(each), OPT_OUT_LABELS[each]) for each in OptOuts],
        default=str(OptOuts.SUPPRESS),
        help_text="What becomes of people whom the file calls unsubscribed, bounced or blocked.",
    )
    opt_out_reason = Text(
        default="", allow_blank=True, max_length=500, help_text="Needed to import them as ordinary contacts."
    )
    change_others = serializers.BooleanField(default=False, help_text="Contacts of others may be changed.")
    owner = serializers.SlugRelatedField(
        "email",
        queryset=get_user_model()._default_manager.filter(is_active=True),
        default=None,
        allow_null=True,
        help_text="Who gets the new contacts that name no owner, by e-mail address.",
    )
    source = Text(  # type: ignore[assignment]  # likewise, the property
        default="", allow_blank=True, max_length=LONGEST["source"], help_text="Of new contacts."
    )
    tags = serializers.ListField(
        child=Text(max_length=LONGEST_TAG), default=list, max_length=MOST_TAGS, help_text="For all of them."
    )
    new_fields = NewFields(default=list, max_length=50, help_text="Custom fields to make: key, label, type.")
    at_once = serializers.BooleanField(default=False, help_text="Wait for nobody, unless the list is quarantined.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["opt_outs"] == OptOuts.ORDINARY and not attrs["opt_out_reason"].strip():
            raise serializers.ValidationError({"opt_out_reason": ["Say why, so that others can read it later."]})
        return attrs

    def validate_tags(self, tags: list[str]) -> list[str]:
        return list(_checked(lambda each: given_to_all("tags", each), tags))

    def validate_source(self, source: str) -> str:
        return str(_checked(lambda each: given_to_all("source", each), source))

    def validate_new_fields(self, fields: list[dict[str, str]]) -> list[dict[str, str]]:
        keys = [each["key"] for each in fields]
        if len(set(keys)) < len(keys) or CustomField.objects.filter(key__in=keys).exists():
            raise serializers.ValidationError("Each key must be a new one.")
        return fields


class FileSerializer(AskedSerializer):
    """`encoding` and what follows: how the file is read. What is not said is found out from it."""

    file = serializers.FileField(
        allow_empty_file=True,  # refused by the reader, which says what is needed
        help_text="CSV, TSV, XLSX, ODS, JSON, JSON lines or vCard.",
    )
    encoding = Text(default="", allow_blank=True, max_length=40, help_text="Of a text, such as `cp1252`.")
    separator = Text(
        default="",
        allow_blank=True,
        max_length=20,
        trim_whitespace=False,
        help_text="Between cells: one sign, or its name, such as `semicolon` or `tab`.",
    )
    sheet = Text(default="", allow_blank=True, max_length=LONGEST_SHEET, help_text="Of a workbook, by name.")
    has_header = serializers.BooleanField(
        default=None, allow_null=True, help_text="Whether the first row names the columns."
    )

    def validate_encoding(self, said: str) -> str:
        return _checked(known_encoding, said) if said else ""

    def validate_separator(self, said: str) -> str:
        return _checked(known_separator, said)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = super().validate(attrs)
        manner = Manner(**{name: given.pop(name) for name in ("encoding", "separator", "sheet", "has_header")})
        return {**given, "manner": manner}


def _checked(known: Callable[[Any], Any], said: Any) -> Any:
    try:
        return known(said)
    except ValueError as error:  # an UnreadableFile is one
        raise serializers.ValidationError(str(error)) from error


class RowsSerializer(AskedSerializer):
    rows = serializers.ListField(
        child=serializers.DictField(),
        min_length=1,
        max_length=MOST_ROWS,
        help_text="Objects whose keys are the columns. Values are texts or numbers, lists of them for tags.",
    )
    name = Text(default="rows", max_length=100, help_text="What the import is called.")

    def validate_rows(self, rows: list[dict[str, Any]]) -> list[bytes]:
        """As the lines of a file."""
        return [json.dumps(row).encode() + b"\n" for row in rows]


class ReasonSerializer(StrictSerializer):
    reason = Text(default="", allow_blank=True, max_length=2000, help_text="Why; others can read it later.")


class NeededReasonSerializer(StrictSerializer):
    reason = Text(min_length=1, max_length=2000, help_text="Why; others can read it later.")


class CorrectionSerializer(StrictSerializer):
    """A wrong cell of a preview, or a mistyped domain, and what is to be read in its place."""

    column = Text(
        default="", allow_blank=True, max_length=LONGEST_CELL, help_text="The file's header. Not of a domain."
    )
    value = Text(
        default="",
        allow_blank=True,
        max_length=LONGEST_CELL,
        help_text="The wrong text, as `wrong_cells` has it: all equal cells of the column are meant. Of a domain: it.",
    )
    correction = Text(allow_blank=True, max_length=LONGEST_CELL, help_text="The text to read in its place.")
    row = serializers.IntegerField(
        default=None, allow_null=True, min_value=1, max_value=2**31 - 1, help_text="Only the cell of this row."
    )
    scope = serializers.ChoiceField(
        choices=[("cells", "Cells of a column"), ("domain", "All addresses at a domain")], default="cells"
    )


# --- what comes out -------------------------------------------------------------------------------


class ChangeSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(source="word")
    was = serializers.CharField()
    then = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    column = serializers.CharField(help_text="As the file calls it; empty: the row as a whole.")
    value = serializers.CharField()
    sentence = serializers.CharField()

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return dict(zip(("column", "value", "sentence"), instance, strict=True))


class NoticeSerializer(ProblemSerializer):
    why = serializers.ChoiceField(choices=[each.value for each in Why])

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return dict(zip(("column", "value", "sentence", "why"), instance, strict=True))


class WrongCellSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(
        help_text=f"Of rows that fail: {', '.join(FAILED)}. Of cells left empty: {', '.join(LEFT_EMPTY)}. Of cells "
        f"cleaned up: {', '.join(CLEANED)}. Of a domain that looks like a slip: {MISTYPED}."
    )
    column = serializers.CharField(help_text="Empty: the row as a whole, or a domain.")
    value = serializers.CharField()
    sentence = serializers.CharField(help_text="What is wrong. Of a domain: the one that is probably meant.")
    cells = serializers.IntegerField(help_text="How many cells of the column hold it.")
    row = serializers.IntegerField(help_text="The first of them.")


class RowSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField(help_text="As a spreadsheet counts: the header is row 1.")
    verdict = serializers.CharField(help_text=f"One of {', '.join(ImportRow.Verdict.values)}.")
    email = serializers.CharField()
    contact = serializers.IntegerField(source="contact_id", allow_null=True)
    changes = ChangeSerializer(many=True)
    problems = ProblemSerializer(many=True)
    notices = NoticeSerializer(many=True, help_text="Of a preview: cells that were left empty or cleaned up.")
    not_written_to = serializers.SerializerMethodField(help_text="Why its address must not be written to, or null.")
    kept = serializers.CharField(help_text="Why undo left it.")

    def get_not_written_to(self, row: Any) -> str | None:
        return str(row.refusal.sentence) if row.refusal else None


class ProgressSerializer(serializers.Serializer[Any]):
    percent = serializers.IntegerField()
    rows_a_second = serializers.FloatField(allow_null=True)
    seconds_left = serializers.FloatField(allow_null=True)
    ahead = serializers.IntegerField(help_text="Imports that have their turn first. 0: this one is being worked on.")


class ImportSerializer(serializers.ModelSerializer[ImportRun]):
    state = serializers.CharField(read_only=True, help_text=f"One of {', '.join(ImportRun.State.values)}.")
    started_by: Any = serializers.SlugRelatedField("email", read_only=True, allow_null=True)
    manner = serializers.DictField(help_text="How the file is read, as far as somebody said: the rest is found out.")
    released_by: Any = serializers.SlugRelatedField(
        "email", read_only=True, allow_null=True, help_text="Who let a quarantined list in."
    )
    undone_by: Any = serializers.SlugRelatedField("email", read_only=True, allow_null=True)
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="Rows by verdict, once they are judged.")
    known = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="Of those: dead, suppressed. Of the suppressed, erased: they are imported but never emailed.",
    )
    opt_outs = serializers.DictField(
        child=serializers.IntegerField(), help_text="Rows that must not be written to, as the file says, by reason."
    )
    suppressed = serializers.IntegerField(read_only=True, help_text="Addresses that it suppressed for that.")
    health = serializers.DictField(child=serializers.FloatField(), help_text="Shares that tell of the list's health.")
    written = serializers.DictField(child=serializers.IntegerField(), help_text="Rows that were written.")
    mapping = serializers.DictField(child=serializers.CharField())
    headers = serializers.ListField(child=serializers.CharField(allow_blank=True))
    notices = serializers.ListField(child=serializers.CharField())
    progress = serializers.SerializerMethodField()

    class Meta:
        model = ImportRun
        fields = (
            "id", "name", "state", "started_by", "via", "manner", "headers", "mapping", "notices", "total", "counts",
            "known", "opt_outs", "health", "quarantine", "released_by", "release_reason", "progress", "written",
            "suppressed", "undone", "kept", "undone_by", "undo_reason", "error", "created_at", "applied_at",
            "finished_at",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(ProgressSerializer(allow_null=True))
    def get_progress(self, run: ImportRun) -> dict[str, Any] | None:
        if not run.is_running:
            return None
        pace = run.pace(timezone.now())
        return {
            "percent": run.percent,
            "rows_a_second": pace.rate if pace else None,
            "seconds_left": pace.left.total_seconds() if pace else None,
            "ahead": place_of(run),
        }


class PreviewSerializer(ImportSerializer):
    first_rows = serializers.SerializerMethodField(help_text="While it is read, and of a preview.")
    wrong_cells = serializers.SerializerMethodField(
        help_text=f"Of a preview: the first {WRONG_SHOWN} different wrong texts. `corrections/` mends them."
    )

    class Meta(ImportSerializer.Meta):
        fields = (*ImportSerializer.Meta.fields, "first_rows", "wrong_cells")  # type: ignore[assignment]  # one longer
        read_only_fields = fields  # type: ignore[assignment]  # likewise

    @extend_schema_field(RowSerializer(many=True))
    def get_first_rows(self, run: ImportRun) -> list[dict[str, Any]]:
        return [dict(RowSerializer(row).data) for row in _first_rows(run)]

    @extend_schema_field(WrongCellSerializer(many=True))
    def get_wrong_cells(self, run: ImportRun) -> list[dict[str, Any]]:
        if run.state != ImportRun.State.READY:
            return []
        found = wrong_cells(run, [*FAILED, *LEFT_EMPTY, MISTYPED, *CLEANED], WRONG_SHOWN)
        return [dict(WrongCellSerializer(cell).data) for cell in found.shown]


def _first_rows(run: ImportRun) -> Iterator[Any]:
    now = timezone.now()
    if run.state == ImportRun.State.STAGING:
        yield from early_rows(run, now)
    elif run.state == ImportRun.State.READY:
        groups = [*preview_groups(run, SHOWN, now), *known_groups(run, SHOWN, now)]
        yield from {row.number: row for _, rows, _ in groups for row in rows}.values()


class UndoSerializer(serializers.Serializer[Any]):
    go = serializers.IntegerField(help_text="Contacts that it made, and that would go.")
    back = serializers.IntegerField(source="return_", help_text="Contacts that would be as they were.")
    stay = serializers.IntegerField(help_text="Contacts that would stay, because of what came since.")
    is_capped = serializers.BooleanField(help_text="Only the first rows were looked at.")
    looked_at = serializers.IntegerField()
