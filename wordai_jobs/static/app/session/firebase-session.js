/** Sign-in for the project's Firebase users. Loaded in mode firebase only: the SDK has 260 KB. */

import {initializeApp} from "../../vendor/firebase/firebase-app.js";
import {
  connectAuthEmulator,
  createUserWithEmailAndPassword,
  getAuth,
  GoogleAuthProvider,
  onAuthStateChanged,
  signInWithEmailAndPassword,
  signInWithPopup,
  signOut,
  useDeviceLanguage,
} from "../../vendor/firebase/firebase-auth.js";
import {byId} from "../shared/dom.js";
import {t} from "../shared/i18n.js";
import {attempt, onSubmit, Session} from "./session.js";

/** @type {Record<string, string>} */
const MESSAGE_KEYS = {
  "auth/email-already-in-use": "signIn.taken",
  "auth/invalid-credential": "signIn.wrong",
  "auth/invalid-email": "signIn.wrong",
  "auth/network-request-failed": "error.network",
  "auth/popup-closed-by-user": "signIn.closed",
  "auth/too-many-requests": "signIn.many",
  "auth/user-not-found": "signIn.wrong",
  "auth/weak-password": "signIn.weak",
  "auth/wrong-password": "signIn.wrong",
};

class FirebaseSession extends Session {
  #auth;

  /**
   * @param {import("../../vendor/firebase/firebase-auth.js").Auth} auth
   * @param {boolean} canUseGoogle
   */
  constructor(auth, canUseGoogle) {
    super();
    this.#auth = auth;
    this.canUseGoogle = canUseGoogle;
  }

  setUpForm() {
    const email = byId("email", HTMLInputElement);
    const password = byId("password", HTMLInputElement);
    onSubmit("firebase-form", async (choice) => {
      if (choice === "sign-up") await this.signUp(email.value.trim(), password.value);
      else await this.signIn(email.value.trim(), password.value);
      password.value = "";
    });
    const google = byId("google", HTMLButtonElement);
    google.hidden = !this.canUseGoogle;
    google.onclick = () => attempt(google, () => this.signInWithGoogle());
  }

  async getToken({forceRefresh = false} = {}) {
    return (await this.#auth.currentUser?.getIdToken(forceRefresh)) ?? null;
  }

  /**
   * @param {string} email
   * @param {string} password
   */
  signIn(email, password) {
    return withMessages(signInWithEmailAndPassword(this.#auth, email, password));
  }

  /**
   * @param {string} email
   * @param {string} password
   */
  signUp(email, password) {
    return withMessages(createUserWithEmailAndPassword(this.#auth, email, password));
  }

  signInWithGoogle() {
    return withMessages(signInWithPopup(this.#auth, new GoogleAuthProvider()));
  }

  signOut() {
    return signOut(this.#auth);
  }
}

/**
 * @param {Record<string, string>} config  The web configuration of the project.
 * @param {string} emulator  Host and port, or nothing.
 */
export async function openFirebaseSession(config, emulator) {
  const auth = getAuth(initializeApp(config));
  useDeviceLanguage(auth);
  if (emulator) connectAuthEmulator(auth, `http://${emulator}`, {disableWarnings: true});
  const session = new FirebaseSession(auth, Boolean(config.authDomain) && !emulator);
  onAuthStateChanged(auth, (user) => {
    session.changeTo(user ? user.displayName || user.email || user.uid : "");
  });
  await auth.authStateReady();
  return session;
}

/**
 * The SDK's errors with messages that users understand.
 *
 * @param {Promise<unknown>} request
 */
async function withMessages(request) {
  try {
    await request;
  } catch (error) {
    const key = MESSAGE_KEYS[error.code];
    throw key ? new Error(t(key)) : error;
  }
}
