/** In mode dev: a button that gets a token, and gives it to the explorer for all requests. */

const form = document.querySelector("form");
const explorer = document.querySelector("openapi-explorer");
const shown = document.querySelector("output");

const described = await (await fetch("/openapi.json")).json();
form.hidden = !("/dev/token" in described.paths);

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const user = new FormData(form).get("user");
  const response = await fetch("/dev/token", {
    method: "POST",
    headers: {"Content-Type": "application/json"},
    body: JSON.stringify({user_id: user}),
  });
  const body = await response.json();
  if (response.ok) {
    await explorer.setAuthenticationConfiguration("bearer", {token: body.token});
  }
  shown.value = response.ok ? `Requests are sent as ${user}. Token: ${body.token}` : body.detail;
});
