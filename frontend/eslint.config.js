import js from "@eslint/js";
import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

/** Forbids imports from the named layers: app → pages → features → charts → ui, api. */
function layer(files, forbidden, extra = []) {
  const patterns = forbidden.map((name) => ({
    group: [`@/${name}`, `@/${name}/**`, `../${name}/**`, `../../${name}/**`],
    message: `This layer does not import from ${name}.`,
  }));
  return { files, rules: { "no-restricted-imports": ["error", { patterns: [...patterns, ...extra] }] } };
}

export default tseslint.config(
  { ignores: ["dist", "node_modules", "src/api/schema.ts"] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  jsxA11y.flatConfigs.recommended,
  reactHooks.configs.flat["recommended-latest"],
  { rules: { "@typescript-eslint/consistent-type-imports": "error", eqeqeq: "error", "max-lines": ["error", 400] } },
  // Warns of libraries the React compiler skips; this project does not use that compiler.
  { rules: { "react-hooks/incompatible-library": "off" } },
  // A page whose only purpose is its form may put the cursor there.
  { files: ["src/pages/sign-in/**"], rules: { "jsx-a11y/no-autofocus": "off" } },
  layer(["src/api/**"], ["app", "pages", "features", "charts", "ui"]),
  layer(["src/ui/**"], ["app", "pages", "features", "charts"]),
  layer(["src/charts/**"], ["app", "pages", "features"]),
  layer(["src/features/**"], ["app", "pages"], [
    { regex: "^@/features/", message: "Features do not import features: lift the shared part into ui, api or the page." },
  ]),
  layer(["src/pages/**"], ["app"]),
);
