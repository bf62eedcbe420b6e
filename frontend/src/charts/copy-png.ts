/** The chart as it stands, on the surface's colour with its title and the page's address below it, as a PNG. */
export async function chartPng(canvas: HTMLCanvasElement, title: string, colours: { surface: string; text: string; muted: string }): Promise<Blob> {
  const scale = window.devicePixelRatio;
  const [top, bottom] = [28 * scale, 22 * scale];
  const sheet = document.createElement("canvas");
  sheet.width = canvas.width;
  sheet.height = canvas.height + top + bottom;
  const context = sheet.getContext("2d");
  if (!context) throw new Error("This browser gives no canvas to draw on.");
  context.fillStyle = colours.surface;
  context.fillRect(0, 0, sheet.width, sheet.height);
  context.drawImage(canvas, 0, top);
  context.fillStyle = colours.text;
  context.font = `600 ${13 * scale}px system-ui, sans-serif`;
  context.fillText(title, 12 * scale, 19 * scale);
  context.fillStyle = colours.muted;
  context.font = `${11 * scale}px system-ui, sans-serif`;
  context.fillText(location.href, 12 * scale, sheet.height - 8 * scale);
  return new Promise((resolve, reject) => sheet.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The picture could not be made."))), "image/png"));
}

/** Puts the picture on the clipboard; where the browser forbids that (plain http) it is saved as a file. */
export async function copyOrSave(picture: Blob, name: string): Promise<"copied" | "saved"> {
  if (window.isSecureContext && typeof ClipboardItem !== "undefined") {
    await navigator.clipboard.write([new ClipboardItem({ "image/png": picture })]);
    return "copied";
  }
  saveFile(picture, `${name}.png`);
  return "saved";
}

/** Hands a file to the browser's downloads; the name keeps letters of any script. */
export function saveFile(content: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name.replace(/[^\p{L}\p{N}._-]+/gu, "-");
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
