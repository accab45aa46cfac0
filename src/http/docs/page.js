// Swagger UI on the document of the very service that serves this page. Asks nobody else.
window.ui = SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#api',
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  docExpansion: 'list',
  tryItOutEnabled: true,
  // It would send the document to a server on the internet.
  validatorUrl: null,
});
