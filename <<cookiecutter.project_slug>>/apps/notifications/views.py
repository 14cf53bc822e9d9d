"""The inbox, and what people are told of."""

from typing import Any

from django.contrib import messages as flash
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.executions import catalog
from apps.notifications import messages, preferences, services
from apps.notifications.forms import ContactForm
from apps.notifications.models import Channel, Contact, Event, Notification
from apps.users.auth import account
from apps.users.models import User

A_PAGE = 25


@require_safe
@login_required
@never_cache
def inbox(request: HttpRequest) -> HttpResponse:
    """What the account was told, newest first."""
    found = Notification.objects.inbox(request.user).select_related("execution")
    page = Paginator(found, A_PAGE).get_page(request.GET.get("page"))
    items = [{"notification": each, "subject": messages.words(each)[0]} for each in page]
    return render(request, "notifications/inbox.html", {"page": page, "items": items})


@require_safe
@login_required
@never_cache
def opened(request: HttpRequest, pk: int) -> HttpResponse:
    """Lead to what a message is about, which thereby is read."""
    notification = get_object_or_404(Notification.objects.inbox(request.user), pk=pk)
    services.mark_read(user=account(request), pk=pk)
    return redirect("executions:detail", notification.execution_id)


@require_POST
@login_required
def read(request: HttpRequest) -> HttpResponse:
    """Mark every message as read."""
    services.mark_read(user=account(request))
    return redirect("notifications:inbox")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def choices(request: HttpRequest) -> HttpResponse:
    """What the account is told of, for all workflows or for one of them."""
    user, workflow = account(request), request.GET.get("workflow", "")
    if workflow and workflow not in catalog.offered(user):
        raise Http404
    if request.method == "POST":
        ticked = {(event, channel): f"{event}-{channel}" in request.POST for event in Event.values for channel in Channel.values}
        preferences.choose(user, workflow, {} if "forget" in request.POST else ticked)
        flash.success(request, "Saved.")
        return redirect(request.get_full_path())
    return _shown(request, ContactForm(user, initial=_initial(user)), workflow)


@require_POST
@login_required
@never_cache
def contact(request: HttpRequest) -> HttpResponse:
    """Set the webhook, and whether the account follows the executions of others."""
    form = ContactForm(account(request), request.POST)
    if form.is_valid() and form.save():
        flash.success(request, "Saved.")
        return redirect("notifications:choices")
    return _shown(request, form, "")


@require_POST
@login_required
def secret(request: HttpRequest) -> HttpResponse:
    """Give the webhook another key."""
    services.renew_secret(user=account(request))
    flash.success(request, "Webhooks are signed with a new key from now on.")
    return redirect(f"{reverse('notifications:choices')}#webhook")


def _shown(request: HttpRequest, form: ContactForm, workflow: str) -> HttpResponse:
    user = account(request)
    chosen = preferences.effective(user, workflow)
    context: dict[str, Any] = {
        # The site's own way to draw a form takes it under that name.
        "fields": {"form": form},
        "contact": Contact.objects.filter(user=user).first(),
        "workflow": workflow,
        "title": catalog.title(workflow),
        "own": bool(workflow and preferences.choices_of(user, workflow)),
        "workflows": {name: found.title for name, found in catalog.offered(user).items()},
        "channels": Channel,
        "rows": [
            {"event": event, "cells": [{"channel": channel, "wanted": chosen[event, channel]} for channel in Channel]}
            for event in Event
        ],
    }
    return render(request, "notifications/choices.html", context, status=400 if form.errors else 200)


def _initial(user: User) -> dict[str, Any]:
    contact = Contact.objects.filter(user=user).first()
    return {"webhook_url": contact.webhook_url, "follows_all": contact.follows_all} if contact else {}
