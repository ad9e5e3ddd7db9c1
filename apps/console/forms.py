"""What people type into the console. Rules are the services'; here only shapes are checked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.subjects.models import Recipient


class DayInput(forms.DateInput):
    """The browser's own date field: its value is ISO 8601 whatever the language."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d", attrs={"class": "short"})


class SearchForm(forms.Form):
    q = forms.CharField(label=_("E-mail or reference"), max_length=254, strip=True)


class HandForm(forms.Form):
    """A file erased by hand, where nothing can be read back."""

    seen = forms.MultipleChoiceField(
        label=_("Looked at, and gone"), required=False, widget=forms.CheckboxSelectMultiple
    )
    statement = forms.CharField(
        label=_("What did you do?"),
        help_text=_(
            "In your own words, without the person’s name. It is sealed; the certificate says that "
            "you state it, and that nothing could be read back."
        ),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(
        self, *args: Any, checklist: Sequence[tuple[str, Any]] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        _choose(self.fields["seen"], checklist)


class ChannelForm(forms.Form):
    """How a recipient is told; the rules are the service's."""

    channel = forms.ChoiceField(label=_("Told by"), choices=Recipient.Channel.choices)
    address = forms.CharField(
        label=_("Address"),
        help_text=_("The webhook’s https:// address, the e-mail address, or where you reach them."),
        max_length=300,
    )


class RecipientForm(ChannelForm):
    name = forms.CharField(label=_("Name of the recipient"), max_length=100)

    field_order = ("name", "channel", "address")


class DisclosureForm(forms.Form):
    """A person's data went to a recipient."""

    recipient = forms.ChoiceField(label=_("Recipient"))
    reference = forms.CharField(
        label=_("What they call the person"),
        help_text=_("Their own number or address of the person. It is sealed, and goes with them."),
        max_length=200,
    )
    disclosed_on = forms.DateField(label=_("Disclosed on"), widget=DayInput())

    def __init__(
        self, *args: Any, recipients: Sequence[tuple[str, Any]] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        _choose(self.fields["recipient"], recipients)


class LinkForm(forms.Form):
    candidate_url = forms.CharField(
        label=_("Address of a candidate’s page in the ATS"),
        help_text=_("With {id} where the candidate’s id stands. It leads from a task to the file."),
        max_length=300,
        required=False,
    )


class FilterForm(forms.Form):
    """Filters of the list of records beside the outcome."""

    rule = forms.ChoiceField(label=_("Rule"), required=False)
    connection = forms.ChoiceField(label=_("ATS"), required=False)

    def __init__(
        self,
        *args: Any,
        rules: Sequence[tuple[str, str]] = (),
        connections: Sequence[tuple[str, str]] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        _choose(self.fields["rule"], [("", _("Every rule")), *rules])
        _choose(self.fields["connection"], [("", _("Every ATS")), *connections])


class ViewForm(forms.Form):
    name = forms.CharField(
        label=_("Name of the view"),
        help_text=_("Only you see it. Nobody’s name, please."),
        max_length=60,
    )


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


class PersonHoldForm(HoldForm):
    """A hold on one person: under a case that is open, or one of its own."""

    case = forms.ChoiceField(label=_("Under which case?"), required=False)
    field_order = ("case", "reason", "review_on")

    def __init__(self, *args: Any, cases: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["review_on"].required = False
        if cases:
            _choose(self.fields["case"], [("", _("A case of its own")), *cases])
        else:
            del self.fields["case"]


class CaseForm(HoldForm):
    """A legal hold that holds by a query. Lists are typed with commas."""

    matter = forms.CharField(
        label=_("Matter"),
        help_text=_("Such as the court and the number of the dispute. Kept sealed."),
        max_length=500,
    )
    owner = forms.ChoiceField(label=_("Who looks after it"))
    connection = forms.ChoiceField(label=_("ATS"), required=False)
    countries = forms.CharField(
        label=_("Countries"),
        help_text=_("Two letters each, such as FR, BE. Empty: every country."),
        max_length=200,
        required=False,
    )
    jobs = forms.CharField(
        label=_("Jobs"),
        help_text=_("Numbers of the jobs in the ATS, with commas. Empty: every job."),
        max_length=2000,
        required=False,
    )
    states = forms.MultipleChoiceField(
        label=_("Applications that are"), required=False, widget=forms.CheckboxSelectMultiple
    )
    applied_from = forms.DateField(label=_("Applied from"), required=False, widget=DayInput())
    applied_until = forms.DateField(label=_("Applied until"), required=False, widget=DayInput())
    field_order = ("matter", "reason", "owner", "review_on")

    def __init__(
        self,
        *args: Any,
        owners: Sequence[tuple[str, str]] = (),
        connections: Sequence[tuple[str, str]] = (),
        states: Sequence[tuple[str, Any]] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        _choose(self.fields["owner"], owners)
        _choose(self.fields["connection"], [("", _("Every ATS")), *connections])
        _choose(self.fields["states"], states)


class ReviewForm(forms.Form):
    review_on = forms.DateField(label=_("Look at it again on"), widget=DayInput())
    owner = forms.ChoiceField(label=_("Who looks after it"))

    def __init__(self, *args: Any, owners: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choose(self.fields["owner"], owners)


class RestrictionForm(forms.Form):
    ground = forms.ChoiceField(label=_("Why must the processing be restricted?"))

    def __init__(self, *args: Any, grounds: Sequence[tuple[str, Any]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choose(self.fields["ground"], grounds)


class LiftForm(forms.Form):
    told_on = forms.DateField(
        label=_("The person was told on"),
        help_text=_("Before a restriction is lifted the person must be told (GDPR art. 18(3))."),
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


class DepartureForm(forms.Form):
    """An override to try before anybody signs it."""

    rule = forms.ChoiceField(label=_("Rule"))
    duration = forms.CharField(
        label=_("Period to try"),
        help_text=_("Such as P3M (3 months), P2Y (2 years) or P30D (30 days). Empty: off."),
        max_length=16,
        required=False,
        widget=forms.TextInput(attrs={"class": "short"}),
    )
    job = forms.CharField(
        label=_("For one job only"),
        help_text=_("The number of the job in the ATS. Empty: every job."),
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"class": "short"}),
    )

    def __init__(self, *args: Any, rules: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choose(self.fields["rule"], rules)


class OverrideForm(DepartureForm):
    """The same, signed with a reason."""

    reason = forms.CharField(
        label=_("Why do you depart from the pack?"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["duration"].label = _("New period")


class VariantForm(forms.Form):
    variant = forms.ChoiceField(label=_("Reading"))
    reason = forms.CharField(
        label=_("Why this reading?"),
        help_text=_("Kept sealed; never in the audit log."),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, offered: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choose(self.fields["variant"], offered)


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


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Why must it be opened?"),
        help_text=_("Such as the reference of the claim or of the request."),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class TagsForm(forms.Form):
    pool_tags = forms.CharField(
        label=_("Tags that mean “talent pool”"),
        help_text=_("As the ATS writes them, separated by commas."),
        max_length=500,
        required=False,
    )

    def tags(self) -> list[str]:
        return [one.strip() for one in self.cleaned_data["pool_tags"].split(",") if one.strip()]


class HourInput(forms.TimeInput):
    input_type = "time"

    def __init__(self) -> None:
        super().__init__(format="%H:%M")


class BrakesForm(forms.Form):
    """What one plan and one day may erase; the bounds are those of the service."""

    most_per_run = forms.IntegerField(label=_("Records one plan may erase"))
    most_percent = forms.IntegerField(
        label=_("Of a hundred records here, how many one plan may erase"),
        help_text=_("Counts for plans of more than a hundred records."),
    )
    most_per_day = forms.IntegerField(label=_("Records a day may erase"))
    alone_up_to = forms.IntegerField(
        label=_("Records one person may both propose and approve"),
        help_text=_("The first plan of a connection or of a policy version always takes two."),
    )
    acts_from = forms.TimeField(label=_("Erase from"), required=False, widget=HourInput())
    acts_until = forms.TimeField(
        label=_("Erase until"),
        help_text=_("By your clock. Both empty: at any hour."),
        required=False,
        widget=HourInput(),
    )
    acts_on_weekdays = forms.BooleanField(label=_("On working days only"), required=False)


class PostponeForm(forms.Form):
    day = forms.DateField(label=_("Begin on"), widget=DayInput())


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
