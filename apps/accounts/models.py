from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.controllers.models import Controller
from apps.core.models import Base, Scoped


class UserManager(BaseUserManager["User"]):
    """Accounts are made by `accounts.invite`; this exists for Django's own commands."""

    def create_user(self, email: str, password: str | None = None, **values: Any) -> User:
        user = self.model(email=self.normalize_email(email), **values)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **values: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **values)


class User(Base, AbstractBaseUser, PermissionsMixin):
    """A member of staff. Rows are seen through a membership, whatever the flags here say."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200)
    language = models.CharField(max_length=2, default="fr")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects = UserManager()

    def __str__(self) -> str:
        return str(self.pk)


class Role(models.TextChoices):
    RECOPS = "recops", _("RecOps")
    DPO = "dpo", _("DPO")
    AUDITOR = "auditor", _("Auditor")
    OPERATOR = "operator", _("Operator")
    #: An extra grant: opens what the intermediate archive keeps, with a reason.
    ARCHIVE_READER = "archive_reader", _("Archive reader")


class Membership(Base):
    """A person's role for one controller. Read before a scope exists: it decides the scope."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(max_length=16, choices=Role.choices)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["user", "controller", "role"], name="role_once"),
        )

    def __str__(self) -> str:
        return f"{self.role} {self.user_id}"


class ApiKey(Scoped):
    """A machine's key: the secret is shown once; only its SHA-256 is kept."""

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    #: The first characters, so that people can tell keys apart.
    prefix = models.CharField(max_length=12, unique=True)
    digest = models.BinaryField(max_length=32)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.prefix


class SavedView(Scoped):
    """A list as somebody likes to see it: which filters, under a name of their own."""

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=60)
    #: Filters of the list of records by name; codes and ids only.
    query = models.JSONField(default=dict)
    saved_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["controller", "user", "name"], name="view_once"),
        )

    def __str__(self) -> str:
        return str(self.pk)


class SignInLink(Base):
    """A single-use link to sign in from loopback (the demo). Only its SHA-256 is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    digest = models.BinaryField(max_length=32, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.pk)


class IdempotencyKey(Scoped):
    """A request a machine may repeat: what it was (keyed digests only) and what it made."""

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    client = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="+")
    #: Keyed digest of the header `Idempotency-Key`: a caller may have put anything there.
    digest = models.BinaryField(max_length=32)
    #: Keyed digest of operation and payload: tells a repetition from another request.
    fingerprint = models.BinaryField(max_length=32)
    #: Ids of what was made (strings), from which the answer is built again.
    resources = models.JSONField(default=list)
    status = models.PositiveSmallIntegerField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["client", "digest"], name="idempotency_once"),
        )
        indexes = (models.Index(fields=["expires_at"], name="idempotency_expiry"),)

    def __str__(self) -> str:
        return str(self.pk)


class KeyWindow(models.Model):
    """How many requests a machine's key made in the present minute, across all processes."""

    key = models.OneToOneField(ApiKey, on_delete=models.CASCADE, primary_key=True, related_name="+")
    started_at = models.DateTimeField()
    used = models.PositiveIntegerField()

    def __str__(self) -> str:
        return str(self.key_id)
