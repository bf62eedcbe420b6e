import type { Model } from "@/api/shapes";
import { formatBytes, formatCount } from "@/ui/numbers";
import { sourceText } from "./model-words";

/** What the inspection found, as terms and words. */
export function modelFacts(model: Model): { term: string; text: string }[] {
  const tokenizer = model.tokenizer;
  return [
    { term: "Architecture", text: model.architecture || "–" },
    { term: "Parameters", text: formatCount(model.parameters) },
    { term: "Context length", text: model.context_length === null ? "–" : `${formatCount(model.context_length)} tokens` },
    { term: "Vocabulary", text: formatCount(model.vocab_size) },
    { term: "Size on disk", text: formatBytes(model.size_bytes) },
    { term: "Precision", text: model.dtype || "–" },
    { term: "Tokenizer", text: tokenizer?.kind ?? "–" },
    { term: "Chat template", text: tokenizer ? (tokenizer.has_chat_template ? "yes" : "none") : "–" },
    { term: "End token", text: tokenizer?.eos_token ?? "–" },
    { term: "Padding token", text: tokenizer?.pad_token ?? "–" },
    { term: "From", text: sourceText(model) },
    { term: "Weights", text: model.weights_hash ? model.weights_hash.slice(0, 12) : "–" },
  ];
}
