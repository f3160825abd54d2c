"""Webhook endpoints: register, look, change, rotate, ping, test, enable, disable, delete; everybody's own alone."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.http import Http404
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from imagen import webhooks
from imagen.api import pagination
from imagen.api import webhook_docs as docs
from imagen.api.door import Door
from imagen.api.idempotency import HEADER, Answer, Once
from imagen.api.permissions import MayGenerate, person
from imagen.api.webhook_fields import change, registration
from imagen.api.webhook_json import delivery_json, endpoint_json
from imagen.models import Delivery, Endpoint


class EndpointDoor(Door):
    """What the views of endpoints share: whose they are, and how one is shown."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read", "POST": "manage", "PATCH": "manage", "DELETE": "manage"}

    def found(self, request: Request, pk: uuid.UUID) -> Endpoint:
        """The endpoint, if it is this person's; anybody else's is as unknown as a made-up id."""
        endpoint: Endpoint | None = Endpoint.objects.of(person(request)).filter(pk=pk).first()
        if endpoint is None:
            raise Http404
        return endpoint

    def shown(self, request: Request, endpoint: Endpoint, *, secret: str | None = None) -> dict[str, Any]:
        """The endpoint as its owner sees it; the secret only where it was just made."""
        body = endpoint_json(endpoint, build_url=request.build_absolute_uri)
        return body if secret is None else {**body, "secret": secret}


class Endpoints(EndpointDoor):
    """Register an address for webhooks; list them."""

    parameters: ClassVar[frozenset[str]] = pagination.PARAMETERS
    permission_classes = [IsAuthenticated, MayGenerate]

    @docs.list_endpoints
    def get(self, request: Request) -> Response:
        """One page, newest first."""
        page = pagination.page(Endpoint.objects.of(person(request)), request.GET)
        results = [self.shown(request, endpoint) for endpoint in page.rows]
        return Response(pagination.answer(page, results, request.build_absolute_uri()))

    @docs.register
    def post(self, request: Request) -> Response:
        """Register an address; it is pinged, and works once it has answered."""
        body = self.body(request)
        asked, secrets = registration(body), [""]
        once = self._once(request, body)

        def make() -> Answer:
            endpoint, secrets[0] = webhooks.register(person(request), **asked)
            return Answer(status=201, body=self.shown(request, endpoint))

        with webhooks.looked_up(asked["url"]):
            answer = once.answer(make) if once else make()
        headers = {"Idempotency-Replayed": "true"} if answer.replayed else {}
        headers |= {"Location": answer.body["urls"]["self"]}
        told = {**answer.body, "secret": None if answer.replayed else secrets[0]}  # what is kept never holds the secret
        return Response(told, status=answer.status, headers=headers)

    def _once(self, request: Request, body: dict[str, Any]) -> Once | None:
        header = request.headers.get(HEADER)
        if header is None:
            return None
        return Once.read(header, user=request.user, method=str(request.method), path=request.path, body=body)


class EndpointDetail(EndpointDoor):
    """One endpoint."""

    @docs.look_at_endpoint
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """How it stands."""
        return Response(self.shown(request, self.found(request, pk)))

    @docs.change_endpoint
    def patch(self, request: Request, pk: uuid.UUID) -> Response:
        """Change its name, address, events, or whether prompts go along; another address is pinged first."""
        endpoint = self.found(request, pk)
        return Response(self.shown(request, webhooks.change(endpoint, **change(self.body(request)))))

    @docs.delete_endpoint
    def delete(self, request: Request, pk: uuid.UUID) -> Response:
        """Delete it with the log of its deliveries; what waits is not sent."""
        webhooks.remove(self.found(request, pk))
        return Response(status=204)


class EndpointVerb(EndpointDoor):
    """One thing to do with an endpoint, without a body."""

    def endpoint(self, request: Request, pk: uuid.UUID) -> Endpoint:
        """The endpoint, once nothing was sent along."""
        endpoint = self.found(request, pk)
        self.no_body(request)
        return endpoint

    def queued(self, request: Request, delivery: Delivery) -> Response:
        """The delivery that is on its way, and where to look for it."""
        body = delivery_json(delivery, build_url=request.build_absolute_uri)
        return Response(body, status=202, headers={"Location": body["urls"]["self"]})


class EndpointRotate(EndpointVerb):
    """A new secret."""

    @docs.rotate
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """Make a new secret, shown once; for a day both sign."""
        endpoint = self.endpoint(request, pk)
        secret = webhooks.rotate(endpoint)
        return Response(self.shown(request, self.found(request, pk), secret=secret))


class EndpointPing(EndpointVerb):
    """The ping that activates."""

    permission_classes = [IsAuthenticated, MayGenerate]

    @docs.ping
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """Ping it again at once."""
        return self.queued(request, webhooks.ping(self.endpoint(request, pk)))


class EndpointTest(EndpointVerb):
    """A delivery to try out."""

    permission_classes = [IsAuthenticated, MayGenerate]

    @docs.test
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """Send an example event."""
        return self.queued(request, webhooks.test(self.endpoint(request, pk)))


class EndpointEnable(EndpointVerb):
    """On again."""

    permission_classes = [IsAuthenticated, MayGenerate]

    @docs.enable
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """Ping it; it works again once it has answered."""
        webhooks.enable(self.endpoint(request, pk))
        return Response(self.shown(request, self.found(request, pk)))


class EndpointDisable(EndpointVerb):
    """Off."""

    @docs.disable
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """Send it nothing more until it is enabled."""
        webhooks.disable(self.endpoint(request, pk))
        return Response(self.shown(request, self.found(request, pk)))
