// A name for this browser tab, so that the server can tell two of them apart. It lasts over reloads; a duplicated tab gets
// its own (the browser copies what the tab remembers).

const KEY = "cristae.tab";
const TRIES = 4; // a page that is being reloaded lets go of its name a moment later
const WAIT_MS = 120;
const KEPT = 50; // names of tabs of this browser

/** @type {Promise<string> | null} */
let own = null;

/** @returns {Promise<string>} */
export function tabName() {
  return (own ??= find());
}

async function find() {
  const known = remembered();
  if (known && (await claim(known, TRIES))) return known;
  const fresh = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  await claim(fresh, 1);
  try {
    window.sessionStorage.setItem(KEY, fresh);
    window.localStorage.setItem(KEY, JSON.stringify([...tabsHere(), fresh].slice(-KEPT)));
  } catch {
    // then a reload counts as another tab
  }
  return fresh;
}

function tabsHere() {
  try {
    return JSON.parse(window.localStorage.getItem(KEY) ?? "[]");
  } catch {
    return [];
  }
}

/**
 * Whether a name was that of a tab of this browser which is closed, or has crashed. Its name is taken by asking.
 * @param {string} name
 */
export async function isClosedTab(name) {
  return Boolean(navigator.locks) && tabsHere().includes(name) && (await claim(name));
}

function remembered() {
  try {
    return window.sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/**
 * Whether no living tab of this browser has a name; from now on this one has it. Unknown (no such lock here) counts as free.
 * @param {string} name
 */
async function claim(name, tries = 1) {
  if (!navigator.locks) return true;
  for (let n = 0; n < tries; n += 1) {
    const free = await new Promise((resolve) => {
      navigator.locks.request(`${KEY}.${name}`, { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        return lock === null ? undefined : new Promise(() => {}); // held until the page goes
      });
    });
    if (free) return true;
    if (n + 1 < tries) await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  }
  return false;
}
