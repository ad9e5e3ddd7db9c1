"""/api/v1: plural nouns, no slash at the end, everything unknown a problem."""

from django.urls import path, re_path

from apps.api import consents, facts, ledger, plans, recipients, records, schema
from apps.api.unknown import unknown

app_name = "api"
urlpatterns = [
    path("openapi.json", schema.DocumentView.as_view(), name="openapi"),
    path("records", records.RecordsView.as_view(), name="records"),
    path("records/search", records.RecordSearchView.as_view(), name="record_search"),
    path("records/<uuid:record_id>", records.RecordView.as_view(), name="record"),
    path("consents", consents.ConsentsView.as_view(), name="consents"),
    path("consents/withdrawals", consents.WithdrawalsView.as_view(), name="withdrawals"),
    path("consents/<uuid:consent_id>", consents.ConsentView.as_view(), name="consent"),
    path("contacts", facts.ContactsView.as_view(), name="contacts"),
    path("notices", facts.NoticesView.as_view(), name="notices"),
    path("recipients", recipients.RecipientsView.as_view(), name="recipients"),
    path("disclosures", recipients.DisclosuresView.as_view(), name="disclosures"),
    path("plans", plans.PlansView.as_view(), name="plans"),
    path("plans/<uuid:plan_id>", plans.PlanView.as_view(), name="plan"),
    path("plans/<uuid:plan_id>/approval", plans.ApprovalView.as_view(), name="approval"),
    path("plans/<uuid:plan_id>/steps", plans.StepsView.as_view(), name="steps"),
    path("plans/<uuid:plan_id>/certificate", plans.CertificateView.as_view(), name="certificate"),
    path("ledger/entries", ledger.EntriesView.as_view(), name="entries"),
    path("ledger/entries/<int:index>", ledger.EntryView.as_view(), name="entry"),
    path("ledger/entries/<int:index>/proof", ledger.ProofView.as_view(), name="proof"),
    path("ledger/checkpoint", ledger.CheckpointView.as_view(), name="checkpoint"),
    re_path("", unknown),
]
