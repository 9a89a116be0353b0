/**
 * fast-check, at the one version the tests use. `deno.json` maps `fast-check` here instead of to
 * npm, because Deno fetches every npm package of the import map before it runs any program, the
 * server included.
 *
 * @module
 */

export * from "npm:fast-check@4.10.2";
export { default } from "npm:fast-check@4.10.2";
