// Shows the schema and lets it be tried with the session of this browser.
const page = document.getElementById("docs");

SwaggerUIBundle({
  url: page.dataset.schema,
  domNode: page,
  deepLinking: true,
  displayRequestDuration: true,
  requestInterceptor: (request) => {
    if (!["GET", "HEAD"].includes((request.method || "GET").toUpperCase())) {
      request.headers["X-CSRFToken"] = page.dataset.csrf;
    }
    return request;
  },
});
