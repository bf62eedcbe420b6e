/** The addresses of the generated schema as template types: a request to a route that is not there does not compile. */

import type { paths } from "./schema";

type Method = "get" | "post" | "patch" | "delete";
type BelowRoot<P> = P extends `/api/v1${infer Rest}` ? Rest : never;
type Filled<P extends string> = P extends `${infer Head}{${string}}${infer Tail}` ? `${Head}${string}${Filled<Tail>}` : P;
type Offering<M extends Method> = { [P in keyof paths]: paths[P] extends Record<M, object> ? P : never }[keyof paths];

/** `/runs/${string}/draft` and the like: every route that answers this method. */
export type ApiPath<M extends Method> = Filled<BelowRoot<Offering<M>>>;
