"""What an error looks like, for the schema. `crm/api/errors.py` gives all of them this shape.

`type` is validation_error (400), client_error (4xx) or server_error (5xx: ours, worth trying again).
"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class ErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="One word for tools.")
    detail = serializers.CharField(help_text="What is wrong, for people.")
    attr = serializers.CharField(allow_null=True, help_text="The field it is about, like addresses.1.email.")


class ErrorsSerializer(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=["validation_error", "client_error", "server_error"])
    errors = ErrorSerializer(many=True)  # type: ignore[assignment]  # the field hides the serializer's property
