/** Types of what the app uses of Firebase; the scripts beside this file come without. */

export interface FirebaseApp {
  name: string;
}

export function initializeApp(config: Record<string, string>): FirebaseApp;
