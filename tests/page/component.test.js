/** docs/reference/page-options.md names each option, method and event of OpenAI's component. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import ts from "typescript";

const TYPES = new URL("./node_modules/@openai/chatkit/types/index.d.ts", import.meta.url);
const PAGE = new URL("../../docs/reference/page-options.md", import.meta.url);
const source = ts.createSourceFile("index.d.ts", readFileSync(TYPES, "utf8"), ts.ScriptTarget.Latest);
const declared = new Map();
for (const node of source.statements) if (node.name) declared.set(node.name.text, node.type ?? node);

const nameOf = (member) => member.name?.text;

/** The options within a type, by their paths; values that users see (a tool, a prompt) are part of it. */
function optionsIn(type, path) {
  if (ts.isTypeReferenceNode(type)) {
    const found = declared.get(type.typeName.text ?? "");
    return found && !ts.isInterfaceDeclaration(found) ? optionsIn(found, path) : [];
  }
  if (ts.isArrayTypeNode(type)) return optionsIn(type.elementType, path);
  if (ts.isUnionTypeNode(type)) return type.types.flatMap((one) => optionsIn(one, path));
  if (!ts.isTypeLiteralNode(type)) return [];
  return type.members.filter(nameOf).flatMap((member) => {
    const here = path ? `${path}.${nameOf(member)}` : nameOf(member);
    const within = member.type && !ts.isFunctionTypeNode(member.type) ? optionsIn(member.type, here) : [];
    return within.length ? within : [here];
  });
}

/** The names in the first column of the tables below a heading. */
function listed(heading) {
  const [, rest] = readFileSync(PAGE, "utf8").split(`## ${heading}\n`);
  const section = rest.split("\n## ")[0];
  return [...section.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell]) =>
    [...cell.matchAll(/`([\w.]+)`/g)].map(([, name]) => name),
  );
}

/** Whether a name is listed, or what it is part of. */
const isListed = (names) => (path) => names.some((name) => path === name || path.startsWith(`${name}.`));

test("each option is listed, and no other", () => {
  const options = [...new Set(optionsIn(declared.get("ChatKitOptions"), ""))];
  const names = listed("Options");
  assert.ok(options.includes("composer.tools.persistent"));
  assert.deepEqual(
    options.filter((path) => !isListed(names)(path)),
    [],
  );
  const known = (name) => options.some((path) => isListed([name])(path));
  assert.deepEqual(
    names.filter((name) => !known(name)),
    [],
  );
});

test("each method is listed, and no other", () => {
  const own = declared.get("OpenAIChatKit").members.filter((member) => ts.isMethodSignature(member));
  const methods = new Set(own.map(nameOf).filter((name) => !/EventListener$/.test(name)));
  assert.deepEqual(listed("Methods").sort(), [...methods].sort());
});

test("each event is listed, and no other", () => {
  const events = declared.get("ChatKitEvents").members.map(nameOf);
  assert.deepEqual(listed("Events").sort(), events.sort());
});
