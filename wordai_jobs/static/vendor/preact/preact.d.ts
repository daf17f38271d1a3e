/** The part of preact that the app uses. */
export type VNode = {type: unknown; props: Record<string, unknown>};
export function h(type: unknown, props: object | null, ...children: unknown[]): VNode;
export function render(node: unknown, parent: Element): void;
