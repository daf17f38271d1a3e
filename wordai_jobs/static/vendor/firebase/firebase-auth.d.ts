/** Types of what the app uses of Firebase Auth; the scripts beside this file come without. */

import type {FirebaseApp} from "./firebase-app.js";

export interface User {
  uid: string;
  displayName: string | null;
  email: string | null;
  getIdToken(forceRefresh?: boolean): Promise<string>;
}

export interface Auth {
  currentUser: User | null;
  authStateReady(): Promise<void>;
}

export class GoogleAuthProvider {}

export function getAuth(app: FirebaseApp): Auth;
export function useDeviceLanguage(auth: Auth): void;
export function connectAuthEmulator(
  auth: Auth, url: string, options: {disableWarnings: boolean},
): void;
export function onAuthStateChanged(auth: Auth, listener: (user: User | null) => void): () => void;
export function createUserWithEmailAndPassword(
  auth: Auth, email: string, password: string,
): Promise<unknown>;
export function signInWithEmailAndPassword(
  auth: Auth, email: string, password: string,
): Promise<unknown>;
export function signInWithPopup(auth: Auth, provider: GoogleAuthProvider): Promise<unknown>;
export function signOut(auth: Auth): Promise<void>;
