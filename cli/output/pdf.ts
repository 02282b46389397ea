const page = { width: 595, height: 842, margin: 42 };
const fontSize = 8;
const lineHeight = 11;
/** A letter of Courier is 0.6 of its size wide. */
const columns = Math.floor((page.width - 2 * page.margin) / (fontSize * 0.6));
const linesPerPage = Math.floor((page.height - 2 * page.margin) / lineHeight) - 2;

/** Lines of text as a PDF of A4 pages, in Courier so that tables stay tables; each page has its number. */
export function pdfOf(lines: readonly string[]): Buffer {
  const printed = lines.flatMap(broken);
  const pages = Array.from({ length: Math.max(1, Math.ceil(printed.length / linesPerPage)) }, (_, at) =>
    printed.slice(at * linesPerPage, (at + 1) * linesPerPage),
  );
  const contents = pages.map((text, at) => pageContent(text, `${at + 1} / ${pages.length}`));
  // Objects 1 to 3 are the catalog, the pages and the font; each page is one object, its content the next.
  const kids = pages.map((_text, at) => `${4 + 2 * at} 0 R`).join(' ');
  return written([
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>',
    ...contents.flatMap((content, at) => [
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${page.width} ${page.height}] ` +
        `/Resources << /Font << /F1 3 0 R >> >> /Contents ${5 + 2 * at} 0 R >>`,
      `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    ]),
  ]);
}

/** What is too long goes on in the next line. */
function broken(line: string): readonly string[] {
  const parts: string[] = [];
  for (let at = 0; at === 0 || at < line.length; at += columns) parts.push(line.slice(at, at + columns));
  return parts;
}

function pageContent(lines: readonly string[], number: string): string {
  const top = page.height - page.margin - fontSize;
  const text = [...lines, ...Array<string>(linesPerPage - lines.length + 1).fill(''), number];
  const shown = text.map((line) => `(${escaped(line)}) Tj T*`).join('\n');
  return `BT /F1 ${fontSize} Tf ${lineHeight} TL ${page.margin} ${top} Td\n${shown}\nET`;
}

/** Bytes of the font's encoding; what it does not have becomes a question mark. */
function escaped(text: string): string {
  return text.replaceAll(/[^\u0020-\u007E\u00A0-\u00FF]/g, '?').replaceAll(/[\\()]/g, String.raw`\$&`);
}

/** The file: objects, then where each of them begins. */
function written(objects: readonly string[]): Buffer {
  let file = '%PDF-1.4\n';
  const offsets: number[] = [];
  for (const [at, content] of objects.entries()) {
    offsets.push(file.length);
    file += `${at + 1} 0 obj\n${content}\nendobj\n`;
  }
  const table = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const size = objects.length + 1;
  const trailer = `trailer\n<< /Size ${size} /Root 1 0 R >>\nstartxref\n${file.length}\n%%EOF\n`;
  return Buffer.from(`${file}xref\n0 ${size}\n0000000000 65535 f \n${table}${trailer}`, 'latin1');
}
