"""Onboarding from the list of accounts."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.onboarding.services import start_onboardings
from apps.users.admin import UserAdmin
from apps.users.auth import account
from apps.users.models import User

admin.site.unregister(User)


@admin.register(User)
class OnboardingUserAdmin(UserAdmin):
    """Accounts, with an action that onboards them."""

    actions = ("onboard",)

    @admin.action(description="Onboard the selected accounts", permissions=["change"])
    def onboard(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Start the onboarding of each account that never had one."""
        started = start_onboardings(users=queryset, by=account(request))
        self.message_user(request, f"Accepted {started} onboardings.", messages.SUCCESS)
