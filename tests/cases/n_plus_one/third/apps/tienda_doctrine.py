"""A shop in Spanish: Doctrine ORM 2 on PDO (PHP), prepared statements that are deallocated one by one.

Needs PHP with pdo_pgsql and Doctrine (Debian: php-cli, php-pgsql, php-doctrine-orm, php-symfony-cache).
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cases import M2M, M2O, O2M, Case, burst

POSITIVE = [
    Case("listado", expected=(burst("cliente", "pedido", M2O), burst("empleado", "pedido", M2O))),
    Case("clientes_pedidos", expected=(burst("pedido", "cliente", O2M),)),
    Case("lineas", expected=(burst("linea", "pedido", O2M), burst("articulo", "linea", M2O))),
    Case("categorias", expected=(burst("categoria", "articulo", M2M),)),
    Case("articulos_de_categoria", expected=(burst("articulo", "categoria", M2M),)),
    Case("subordinados", expected=(burst("empleado", "empleado", O2M),)),
    Case("contados", expected=(burst("linea", "pedido", O2M),)),
    Case("repositorio", expected=(burst("pedido", "cliente", O2M),)),
    Case("dbal", expected=(burst("ciudad", "cliente", M2O),)),
    Case("carrito", expected=(burst("articulo", pattern="parentless-loop"),)),
    Case("guardar_cada_uno", expected=(burst("pedido", pattern="row-by-row-write"),)),
    Case("con_iterador", expected=(burst("ciudad", "cliente", M2O),)),
]
NEGATIVE = [
    Case("fetch_join", row="already batched"),
    Case("fetch_eager", row="already batched"),
    Case("paginas", row="pagination"),
    Case("por_listas", row="already batched"),
    Case("alta", row="uniqueness check"),
    Case("fichas", row="concurrent traffic"),
    Case("cola", row="job worker"),
    Case("valores", row="bulk write"),
    Case("resumen", row="different questions"),
]
SETTINGS = {
    "log_destination": "stderr",
    "log_line_prefix": "%m %c %l %a %u %d ",
    "log_min_duration_statement": "0",
}


def record(url: str, prefix: str) -> Iterator[Case]:
    parts = urlsplit(url)
    host, user = parse_qs(parts.query)["host"][0], parts.username or "postgres"
    script = Path(__file__).with_suffix(".php")
    for case in POSITIVE + NEGATIVE:
        subprocess.run(
            ["php", script, host, user, parts.path.lstrip("/"), prefix + case.name, case.name, str(case.times)],
            check=True,
        )
        yield case
