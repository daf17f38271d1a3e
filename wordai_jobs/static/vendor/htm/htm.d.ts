/** The part of htm that the app uses. */
declare const htm: {
  bind<Node>(
    create: (type: unknown, props: object | null, ...children: unknown[]) => Node,
  ): (strings: TemplateStringsArray, ...values: unknown[]) => Node;
};
export default htm;
