// What a web page of another site does with the service, for tests to call. `seen` has what it met.

window.seen = {jobs: [], problems: [], outcome: null, errors: []};
addEventListener("unhandledrejection", ({reason}) => seen.errors.push(String(reason)));
addEventListener("error", ({message}) => seen.errors.push(message));

/**
 * The response to one request, as far as the web page may read it. `size` sends a body of this many
 * zeros.
 */
window.ask = async (url, {token, json, size, ...options} = {}) => {
  const headers = {
    ...(token && {Authorization: `Bearer ${token}`}),
    ...(json && {"Content-Type": "application/json"}),
  };
  const body = json ? JSON.stringify(json) : size && new Blob([new Uint8Array(size)]);
  try {
    const response = await fetch(url, {...options, headers, ...(body && {body})});
    return {
      status: response.status,
      body: await response.json(),
      retryAfter: response.headers.get("Retry-After"),
      requestId: response.headers.get("X-Request-ID"),
    };
  } catch (error) {
    return {rejected: String(error)};
  }
};

/** Uploads the chosen PDF as a chapter of a new book. Returns the ids of the job and the book. */
window.upload = async (api, token) => {
  const book = await ask(`${api}/api/v1/books`, {method: "POST", token, json: {title: "A book"}});
  const form = new FormData();
  form.append("title", "A chapter");
  form.append("file", document.querySelector("input").files[0]);
  const response = await fetch(`${api}/api/v1/books/${book.body.book_id}/chapters/from-pdf`, {
    method: "POST",
    body: form,
    headers: {Authorization: `Bearer ${token}`},
  });
  return {jobId: (await response.json()).job_id, bookId: book.body.book_id};
};

/** Polls the job with the service's own client until it ends. `seen.outcome` says how it ended. */
window.follow = async (api, token, jobId) => {
  seen.outcome = null;
  const {pollJob} = await import(`${api}/static/poll-job.js`);
  const polling = pollJob(`${api}/api/v1/books/jobs/${jobId}`, {
    getToken: () => token,
    onProgress: (job) => seen.jobs.push(job),
    onWaiting: (problem) => problem && seen.problems.push(problem),
  });
  polling.then(
    (job) => { seen.outcome = job; },
    (error) => { seen.outcome = {rejected: error.message}; },
  );
};

window.isReady = true;
