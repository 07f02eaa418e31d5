// What the server asks of every request that changes something: the value of its own cookie, said again in a header.

const COOKIE = "_streamlit_xsrf";

/**
 * Value of a cookie, without the quotes that some servers put around it; "" where there is none.
 * @param {string} name
 * @param {string} text all cookies
 */
export function cookie(name, text = document.cookie) {
  const part = text.split("; ").find((item) => item.startsWith(`${name}=`));
  const value = part ? part.slice(name.length + 1) : "";
  return value.replace(/^"(.*)"$/, "$1");
}

/** The header to send along. */
export function xsrfHeader() {
  return { "X-Xsrftoken": cookie(COOKIE) };
}
