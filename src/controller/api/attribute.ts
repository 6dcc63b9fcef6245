/**
 * What one attribute of a resource is: of which kind, who may set it and when, what a request without it
 * means, and whether lists can be filtered and sorted by it. A table of them describes a resource, and its
 * type says which parsed values a request carries.
 */

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** How values of an attribute are read. */
export interface Kind<Value> {
  /** The value in its canonical form. @throws NeutronFault in Neutron's words */
  readonly parse: (value: unknown, attribute: string) => Value;
  /** What a filter's text stands for; absent: the text itself. @throws NeutronFault */
  readonly fromQuery?: (text: string) => Json;
}

/** What a POST without the attribute means; `refused` is one that no POST may have. */
export type OnPost = 'required' | 'default' | 'optional' | 'refused';

export interface Attribute<
  Value = unknown,
  Post extends OnPost = OnPost,
  Put extends boolean = boolean,
> {
  readonly kind: Kind<Value>;
  readonly post: Post;
  readonly put: Put;
  readonly default?: Value;
  readonly filter: boolean;
  readonly sort: boolean;
  /** Not visible: it may be sent, and is never shown. */
  readonly visible: boolean;
}

export type AttributeTable = Readonly<Record<string, Attribute>>;

type ValueOf<Described> = Described extends Attribute<infer Value> ? Value : never;

/** What a POST carries once it is parsed: defaults are filled in. */
export type CreateValues<Table extends AttributeTable> = {
  readonly [Key in keyof Table as Table[Key] extends Attribute<unknown, 'required' | 'default'>
    ? Key
    : never]: ValueOf<Table[Key]>;
} & {
  readonly [Key in keyof Table as Table[Key] extends Attribute<unknown, 'optional'>
    ? Key
    : never]?: ValueOf<Table[Key]>;
};

/** What a PUT carries once it is parsed: only what is to change. */
export type UpdateValues<Table extends AttributeTable> = {
  readonly [Key in keyof Table as Table[Key] extends Attribute<unknown, OnPost, true>
    ? Key
    : never]?: ValueOf<Table[Key]>;
};

/** F: lists can be filtered by it. S: and sorted. */
type Marks = '' | 'F' | 'S' | 'FS';

const looks = (marks: Marks): Pick<Attribute, 'filter' | 'sort' | 'visible'> => ({
  filter: marks.includes('F'),
  sort: marks.includes('S'),
  visible: true,
});

/** Must be in every POST, and never changes. */
export function required<Value>(
  kind: Kind<Value>,
  marks: Marks,
): Attribute<Value, 'required', false> {
  return { kind, post: 'required', put: false, ...looks(marks) };
}

/** May be in a POST, and has the default where it is not; `changeable` says whether a PUT may have it. */
export function defaulted<Value, const Put extends boolean>(
  kind: Kind<Value>,
  value: NoInfer<Value>,
  marks: Marks,
  changeable: Put,
): Attribute<Value, 'default', Put> {
  return { kind, post: 'default', put: changeable, default: value, ...looks(marks) };
}

/** May be in a POST; what it is where it is not, only the resource knows. */
export function optional<Value, const Put extends boolean>(
  kind: Kind<Value>,
  marks: Marks,
  changeable: Put,
): Attribute<Value, 'optional', Put> {
  return { kind, post: 'optional', put: changeable, ...looks(marks) };
}

/** May be in a PUT only. */
export function laterOnly<Value>(kind: Kind<Value>, marks: Marks): Attribute<Value, 'refused', true> {
  return { kind, post: 'refused', put: true, ...looks(marks) };
}

/** Said by the controller alone. */
export function readOnly<Value>(
  kind: Kind<Value>,
  marks: Marks = '',
): Attribute<Value, 'refused', false> {
  return { kind, post: 'refused', put: false, ...looks(marks) };
}

/** May be sent, and is never shown. */
export function hidden<Described extends Attribute>(
  attribute: Described,
): Described & { readonly visible: false } {
  return { ...attribute, visible: false };
}
