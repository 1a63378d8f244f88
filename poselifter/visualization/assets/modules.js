// A page that is one file has no addresses to import from: its modules are texts, each linked to those before it.
const urls = {};
for (const [name, text] of {{modules}}) {
  const link = (all, quote, other) => (urls[other] ? `from"${urls[other]}"` : all);
  const linked = text.replace(/\bfrom ?(["'])([\w/]+)\1/g, link);
  urls[name] = URL.createObjectURL(new Blob([linked], { type: 'text/javascript' }));
}
await import(urls.program);
