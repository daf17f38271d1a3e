/** Sign-in with the project's Firebase users. Loaded in mode firebase only: the SDK has 260 KB. */

import {initializeApp} from "../../vendor/firebase/firebase-app.js";
import {
  connectAuthEmulator, createUserWithEmailAndPassword, getAuth, GoogleAuthProvider, onAuthStateChanged,
  signInWithEmailAndPassword, signInWithPopup, signOut, useDeviceLanguage,
} from "../../vendor/firebase/firebase-auth.js";
import {Session} from "./session.js";

const WORDS = {
  "auth/invalid-credential": "signIn.wrong", "auth/wrong-password": "signIn.wrong", "auth/user-not-found": "signIn.wrong",
  "auth/invalid-email": "signIn.wrong", "auth/email-already-in-use": "signIn.taken", "auth/weak-password": "signIn.weak",
  "auth/too-many-requests": "signIn.many", "auth/popup-closed-by-user": "signIn.closed",
  "auth/network-request-failed": "error.network",
};

export class FirebaseSession extends Session {
  #auth;

  constructor(auth, canUseGoogle) {
    super();
    this.#auth = auth;
    this.canUseGoogle = canUseGoogle;
  }

  async getToken({forceRefresh = false} = {}) {
    return (await this.#auth.currentUser?.getIdToken(forceRefresh)) ?? null;
  }

  /** @param {string} email @param {string} password */
  signIn(email, password) {
    return signInWithEmailAndPassword(this.#auth, email, password);
  }

  /** @param {string} email @param {string} password */
  signUp(email, password) {
    return createUserWithEmailAndPassword(this.#auth, email, password);
  }

  signInWithGoogle() {
    return signInWithPopup(this.#auth, new GoogleAuthProvider());
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
  onAuthStateChanged(auth, (user) => session.changeTo(user ? user.displayName || user.email || user.uid : ""));
  await auth.authStateReady();
  return session;
}

/** The key of words for an error of the SDK; empty where there is none. @param {{code?: string}} error */
export function keyOf(error) {
  return WORDS[error.code ?? ""] ?? "";
}
