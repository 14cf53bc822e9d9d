"""Accounts and API tokens. An app above adds its own actions to accounts, as apps/onboarding/admin.py does."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.http import HttpRequest

from apps.users.models import ApiToken, User


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    """Accounts, by address."""

    ordering = ("-pk",)
    list_display = ("email", "name", "is_active", "is_staff", "profile_checked_at", "date_joined")
    list_filter = ("is_active", "is_staff", "is_superuser", "groups", ("profile_checked_at", admin.EmptyFieldListFilter))
    search_fields = ("email", "name")
    # Counting a million accounts for each page of the list takes longer than the page.
    show_full_result_count = False
    readonly_fields = ("last_login", "date_joined", "profile_checked_at")
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        ("Permissions", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("last_login", "date_joined", "profile_checked_at")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "name", "usable_password", "password1", "password2")}),)


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):
    """Tokens: to see which are used, and to revoke one by deleting it. They are made by `createtoken`, which shows them once."""

    list_display = ("name", "user", "created_at", "last_used_at", "expires_at")
    list_select_related = ("user",)
    search_fields = ("name", "user__email")
    date_hierarchy = "created_at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Not here: the token would have to be shown in a page."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        """A token does not change hands."""
        return False
