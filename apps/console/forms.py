"""What people type into the console. Rules are the services'; here only shapes are checked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class DayInput(forms.DateInput):
    """The browser's own date field: its value is ISO 8601 whatever the language."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d", attrs={"class": "short"})


class SearchForm(forms.Form):
    q = forms.CharField(label=_("E-mail or reference"), max_length=254, strip=True)


class HoldForm(forms.Form):
    reason = forms.CharField(
        label=_("Why must these data be kept?"),
        help_text=_("Such as the dispute and its number. Kept sealed; never in the audit log."),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    review_on = forms.DateField(
        label=_("Look at it again on"),
        help_text=_("A hold stays until somebody releases it; this date reminds you."),
        widget=DayInput(),
    )


class ConsentForm(forms.Form):
    effective_on = forms.DateField(label=_("Said by the person on"), widget=DayInput())
    notice = forms.CharField(
        label=_("Version of the notice read"),
        help_text=_("A consent counts only when the person knew what they agreed to."),
        max_length=64,
    )


class WithdrawalForm(forms.Form):
    effective_on = forms.DateField(label=_("Withdrawn by the person on"), widget=DayInput())


class OverrideForm(forms.Form):
    rule = forms.ChoiceField(label=_("Rule"))
    duration = forms.CharField(
        label=_("New period"),
        help_text=_("Such as P3M (3 months), P2Y (2 years) or P30D (30 days). Empty: off."),
        max_length=16,
        required=False,
        widget=forms.TextInput(attrs={"class": "short"}),
    )
    reason = forms.CharField(
        label=_("Why do you depart from the pack?"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, rules: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choose(self.fields["rule"], rules)


class ActivationForm(forms.Form):
    active_from = forms.DateField(label=_("In force from"), widget=DayInput())


class UploadForm(forms.Form):
    file = forms.FileField(
        label=_("Export of your ATS (CSV)"),
        help_text=_("UTF-8 or Windows, comma or semicolon, at most 8 MB. It is not stored."),
        error_messages={
            "required": _("Choose a file of at most 8 MB."),
            "empty": _("This file is empty. Export it again from your ATS."),
        },
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
    )


class NewImportForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), help_text=_("Such as the name of the ATS."), max_length=100
    )
    country = forms.CharField(
        label=_("Country of the establishment"),
        help_text=_("Two letters, such as FR, for lines that do not say it."),
        max_length=2,
        required=False,
        widget=forms.TextInput(attrs={"class": "short"}),
    )


class LedgerFilter(forms.Form):
    """Every field is optional; a wrong value is told, never ignored."""

    verb = forms.ChoiceField(label=_("What happened"), required=False)
    actor = forms.ChoiceField(label=_("By"), required=False)
    object = forms.UUIDField(label=_("Identifier"), required=False)
    until = forms.DateField(label=_("Sealed until"), required=False, widget=DayInput())

    def __init__(
        self,
        *args: Any,
        verbs: Sequence[tuple[str, str]] = (),
        actors: Sequence[tuple[str, str]] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        _choose(self.fields["verb"], [("", _("anything")), *verbs])
        _choose(self.fields["actor"], [("", _("anybody")), *actors])


def _choose(field: forms.Field, choices: Sequence[tuple[str, Any]]) -> None:
    if isinstance(field, forms.ChoiceField):
        field.choices = list(choices)


def day_in(data: dict[str, Any], name: str) -> date:
    """A cleaned date of a valid form."""
    value = data[name]
    if not isinstance(value, date):
        raise TypeError(name)
    return value
